/** TCP connections to checked addresses only, for what is not HTTP. */
import { connect, type Socket } from 'node:net';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { AddressGuard } from './address-guard.ts';
import { toNetworkError } from './network-error.ts';

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * A connected socket, paused, that the caller destroys. The host is resolved once, by the guard, and nothing is looked up again.
 * Throws `address_blocked`, `dns_failed`, `connection_failed`, `timed_out` (after `limits.connectMs`) and the signal's reason.
 */
export async function connectSocket({ host, port }: SocketAddress, guard: AddressGuard, signal: AbortSignal): Promise<Socket> {
  guard.checkLiteral(host);
  if (signal.aborted) throw toNetworkError(signal.reason, host, signal);
  const socket = connect({ host, port, lookup: guard.lookup, autoSelectFamily: true, noDelay: true });
  const abort = (): void => void socket.destroy(signal.reason as Error);
  const timer = setTimeout(() => socket.destroy(new GitferryError('timed_out', { detail: `${host}:${port}.` })), limits.connectMs);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  } catch (error) {
    socket.destroy();
    throw toNetworkError(error, `${host}:${port}`, signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.removeAllListeners('connect');
    socket.removeAllListeners('error');
    // An error between two owners must not end the process.
    socket.on('error', () => {});
  }
}
