/** A request that its sender does not want to finish: what was sent of it is brought to an orderly end, so that the server says no and clears away what it has. */
import { GitferryError } from '../../core/errors.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';

/** To be thrown by the body of a request. Where nothing was sent yet, nothing will be, and the request throws this. */
export class RequestWithdrawn extends GitferryError {
  constructor(why: string) {
    super('timed_out', { detail: why });
  }
}

export interface WithdrawableStream extends ByteStream {
  /** `whole`: all of it was read. `withdrawn`: it ended where it was withdrawn. */
  readonly state: 'open' | 'whole' | 'withdrawn';
}

/** The same stream, but it just ends where it is withdrawn: a connection that breaks would leave the pack's beginning with the server (git 2.39 does not tidy up when it is signalled). */
export function untilWithdrawn(stream: ByteStream): WithdrawableStream {
  const inner = stream[Symbol.asyncIterator]();
  let state: WithdrawableStream['state'] = 'open';
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        const result = await inner.next();
        if (result.done === true) state = 'whole';
        return result;
      } catch (error) {
        if (!(error instanceof RequestWithdrawn)) throw error;
        state = 'withdrawn';
        return { done: true, value: undefined };
      }
    },
    async return() {
      await inner.return?.();
      return { done: true, value: undefined };
    },
  };
  return {
    [Symbol.asyncIterator]: () => iterator,
    get state() {
      return state;
    },
  };
}

/** Calls `end` with the signal's reason when it is aborted, at once if it is already. What comes back ends the watch. */
export function onWithdrawal(signal: AbortSignal | undefined, end: (reason: unknown) => void): () => void {
  const abort = (): void => end(signal?.reason);
  if (signal?.aborted === true) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  return () => signal?.removeEventListener('abort', abort);
}
