/** A request whose body stops half-way and whose connection stays open. */
import { connect } from 'node:net';

export interface HalfSent {
  /** Resolves with the status once an answer begins, rejects when the connection ends without one. */
  readonly status: Promise<number>;
  /** Resolves when the server has closed the connection, or `hangUp` has. */
  readonly closed: Promise<void>;
  hangUp(): void;
}

export function sendHalf(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  { stated, sent }: { readonly stated: number; readonly sent: number },
): HalfSent {
  const socket = connect({ host: '127.0.0.1', port });
  const all = { host: `127.0.0.1:${port}`, 'content-length': String(stated), ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n`);
  socket.write(Buffer.alloc(sent, ' '));
  const status = new Promise<number>((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const found = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
  status.catch(() => {});
  socket.on('error', () => {});
  return { status, closed: new Promise((resolve) => socket.on('close', () => resolve())), hangUp: () => socket.destroy() };
}
