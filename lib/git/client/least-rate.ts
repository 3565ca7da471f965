/** Ends what moves too slowly: a peer that sends a byte now and then is never silent, and would keep a worker and its places at both hosts. */
import { GitferryError } from '../../core/errors.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';

export interface Rate {
  readonly bytes: number;
  readonly inMs: number;
}

export class LeastRate {
  readonly #rate: Rate;
  readonly #what: string;
  #bytes = 0;
  #waitedMs = 0;

  /** `what` the bytes are of, in a message: `the pack from the source`. */
  constructor(rate: Rate, what: string) {
    this.#rate = rate;
    this.#what = what;
  }

  /** Counts bytes and how long the peer was waited for. Throws `timed_out` where fewer than `bytes` moved in `inMs` of waiting. */
  count(bytes: number, waitedMs: number): void {
    this.#bytes += bytes;
    this.#waitedMs += waitedMs;
    if (this.#waitedMs < this.#rate.inMs) return;
    if (this.#bytes < this.#rate.bytes) {
      const seconds = Math.round(this.#waitedMs / 1000);
      throw new GitferryError('timed_out', { detail: `Only ${this.#bytes} bytes of ${this.#what} moved in ${seconds} s.` });
    }
    this.#bytes = 0;
    this.#waitedMs = 0;
  }
}

/** The same stream, ended with `timed_out` where it comes too slowly. The wait for its first bytes does not count, nor what its reader does meanwhile. */
export async function* atLeast(stream: ByteStream, rate: LeastRate, now: () => number = () => performance.now()): ByteStream {
  let askedAt: number | undefined;
  for await (const chunk of stream) {
    rate.count(chunk.length, askedAt === undefined ? 0 : now() - askedAt);
    yield chunk;
    askedAt = now();
  }
}
