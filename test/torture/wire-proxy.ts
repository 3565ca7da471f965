/** A proxy before a Git server, HTTP or SSH, that lets somebody act at each piece of what goes to and fro. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Direction = 'to server' | 'from server';

export interface WireHooks {
  /** Before a piece goes on. `drop` = it never does, and the connection is cut. */
  onPiece?(direction: Direction, bytes: number): Promise<'drop' | undefined> | 'drop' | undefined;
}

export interface WireProxy {
  readonly port: number;
  hooks: WireHooks;
  close(): Promise<void>;
}

export async function startWireProxy(targetPort: number): Promise<WireProxy> {
  const sockets = new Set<Socket>();
  const proxy: { hooks: WireHooks } = { hooks: {} };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    keep(near);
    keep(far);
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    void carry(near, far, 'to server', proxy, cut);
    void carry(far, near, 'from server', proxy, cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}

async function carry(from: Socket, to: Socket, direction: Direction, proxy: { readonly hooks: WireHooks }, cut: () => void): Promise<void> {
  try {
    for await (const chunk of from) {
      const piece = chunk as Buffer;
      if ((await proxy.hooks.onPiece?.(direction, piece.length)) === 'drop') return cut();
      if (to.destroyed) return cut();
      if (!to.write(piece)) await new Promise<void>((resolve) => to.once('drain', resolve).once('close', resolve));
    }
    to.end();
  } catch {
    cut();
  }
}
