/** Ends what comes too slowly: a peer that sends a byte now and then is never silent, and would keep a worker and its places at both hosts. */
import { GitferryError } from '../../core/errors.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';

export interface Rate {
  readonly bytes: number;
  readonly inMs: number;
}

export class LeastRate {
  readonly #rate: Rate;
  readonly #what: string;
  readonly #now: () => number;
  #windowSince: number | undefined;
  #windowBytes = 0;

  /** `what` comes too slowly, in a message: `the pack`. */
  constructor(rate: Rate, what: string, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#what = what;
    this.#now = now;
  }

  /** Counts bytes that came. Throws `timed_out` when a window of `inMs` is over, from the first bytes on, in which fewer than `bytes` came. */
  count(bytes: number): void {
    const now = this.#now();
    this.#windowSince ??= now;
    this.#windowBytes += bytes;
    if (now - this.#windowSince < this.#rate.inMs) return;
    if (this.#windowBytes < this.#rate.bytes) {
      const seconds = Math.round((now - this.#windowSince) / 1000);
      throw new GitferryError('timed_out', { detail: `${this.#windowBytes} bytes of ${this.#what} came in ${seconds} s.` });
    }
    this.#windowSince = now;
    this.#windowBytes = 0;
  }
}

/** The same stream, ended with `timed_out` where it comes too slowly. */
export async function* atLeast(stream: ByteStream, rate: LeastRate): ByteStream {
  for await (const chunk of stream) {
    rate.count(chunk.length);
    yield chunk;
  }
}
