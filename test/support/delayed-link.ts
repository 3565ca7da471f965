/** A way to a server that takes its time: what goes either way arrives half a round trip later, in order. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface DelayedLink {
  readonly port: number;
  readonly log: { connections: number; bytesUp: number; bytesDown: number };
  close(): Promise<void>;
}

/** Connecting itself is not delayed: a round trip of TCP comes on top. */
export async function startDelayedLink(port: number, roundTripMs: number): Promise<DelayedLink> {
  const log = { connections: 0, bytesUp: 0, bytesDown: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    log.connections++;
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    carry(near, far, roundTripMs / 2, (bytes) => {
      log.bytesUp += bytes;
    });
    carry(far, near, roundTripMs / 2, (bytes) => {
      log.bytesDown += bytes;
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    log,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a round trip over such a link really takes: timers come a little late. The shortest of ten. */
export async function measuredRoundTripMs(roundTripMs: number): Promise<number> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const link = await startDelayedLink((echo.address() as AddressInfo).port, roundTripMs);
  const socket = connect({ port: link.port, host: '127.0.0.1', noDelay: true });
  let shortest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const startedAt = performance.now();
    socket.write('x');
    await once(socket, 'data');
    shortest = Math.min(shortest, performance.now() - startedAt);
  }
  socket.destroy();
  await link.close();
  echo.close();
  return shortest;
}

function carry(from: Socket, to: Socket, delayMs: number, onBytes: (bytes: number) => void): void {
  const later = (step: () => void): void => {
    if (delayMs === 0) step();
    else setTimeout(step, delayMs);
  };
  from.on('data', (chunk) => {
    onBytes(chunk.length);
    later(() => to.write(chunk));
  });
  from.on('end', () => later(() => to.end()));
}
