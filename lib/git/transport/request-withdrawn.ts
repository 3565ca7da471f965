/** A request that its sender does not want to finish: what was sent of it is brought to an orderly end, so that the server says no and clears away what it has. */
import { GitferryError } from '../../core/errors.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';

/** To be thrown by the body of a request. Where nothing was sent yet, nothing will be, and the request throws this. */
export class RequestWithdrawn extends GitferryError {
  constructor(why: string) {
    super('timed_out', { detail: why });
  }
}

/** The same stream, but it just ends where it is withdrawn: a connection that breaks would leave the pack's beginning with the server (git 2.39 does not tidy up when it is signalled). */
export function untilWithdrawn(stream: ByteStream): ByteStream {
  const inner = stream[Symbol.asyncIterator]();
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        return await inner.next();
      } catch (error) {
        if (error instanceof RequestWithdrawn) return { done: true, value: undefined };
        throw error;
      }
    },
    // At once, also while somebody waits for the next bytes.
    async return() {
      await inner.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
