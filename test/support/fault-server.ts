/** Servers that misbehave on purpose: HTTP with an answer of the test's own, and bare TCP for what is no HTTP at all. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';

export interface FaultServer {
  readonly port: number;
  readonly origin: string;
  /** How many connections were opened. */
  connections(): number;
  close(): Promise<void>;
}

export interface FaultHttpServer extends FaultServer {
  /** What was asked, in order; headers by lower-case name. */
  readonly requests: readonly { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
}

export async function startFaultServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: { readonly key: string; readonly cert: string },
): Promise<FaultHttpServer> {
  const requests: FaultHttpServer['requests'][number][] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    // The client may go at any time: that is its right.
    request.on('error', () => {});
    response.on('error', () => {});
    answer(request, response);
  };
  const server = await started(
    tls === undefined ? createServer(listener) : createTlsServer(tls, listener),
    tls === undefined ? 'http' : 'https',
  );
  return { ...server, requests };
}

export function startTcpServer(onConnection: (socket: Socket) => void): Promise<FaultServer> {
  return started(createTcpServer(onConnection), 'http');
}

async function started(server: Server, scheme: 'http' | 'https'): Promise<FaultServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${scheme}://127.0.0.1:${port}`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
