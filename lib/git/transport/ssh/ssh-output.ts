/** A Git command's output over SSH, cut into answers: one ends at its flush packet, or with the command. */
import { GitferryError } from '../../../core/errors.ts';
import { parsePktLength } from '../../wire/pkt-line.ts';
import type { GitResponse } from '../transport.ts';
import type { SshChannel } from './ssh-channel.ts';

const nothing = Buffer.alloc(0);
const headerBytes = 4;

export class SshOutput {
  readonly #channel: SshChannel;
  readonly #place: string;
  #buffer: Buffer = nothing;
  #error: unknown;
  #ended = false;

  constructor(channel: SshChannel, place: string) {
    this.#channel = channel;
    this.#place = place;
  }

  /** At least this many bytes of what comes next, left in place; fewer at the end. Throws `timed_out` after a silence of `silenceMs` (0 = never). */
  async peek(bytes: number, silenceMs: number): Promise<Buffer> {
    while (this.#buffer.length < bytes) {
      const chunk = await this.#read(silenceMs);
      if (chunk === undefined) break;
      this.#buffer = this.#buffer.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#buffer, chunk]);
    }
    return this.#buffer;
  }

  /** Lets whoever reads, now or later, fail with this; the command is ended. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#channel.destroy();
  }

  /** What comes up to the end of the command. */
  untilEnd(silenceMs: number): GitResponse {
    return this.#answer(silenceMs, undefined, () => {});
  }

  /** What comes up to and with the next flush packet. `onFlush` is told when that was handed out, and whether nothing came behind it. */
  untilFlush(silenceMs: number, onFlush: (isClean: boolean) => void): GitResponse {
    return this.#answer(silenceMs, new FlushFinder(), onFlush);
  }

  #answer(silenceMs: number, finder: FlushFinder | undefined, onFlush: (isClean: boolean) => void): GitResponse {
    let finished = false;
    const destroy = (): void => {
      if (finished) return;
      finished = true;
      this.#channel.destroy();
    };
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        if (finished) return { done: true, value: undefined };
        const chunk = this.#taken() ?? (await this.#read(silenceMs));
        if (chunk === undefined) {
          finished = true;
          return { done: true, value: undefined };
        }
        const end = finder?.find(chunk);
        if (end === undefined) return { done: false, value: chunk };
        finished = true;
        if (end < chunk.length) this.#buffer = asBuffer(chunk.subarray(end));
        onFlush(end === chunk.length);
        return { done: false, value: chunk.subarray(0, end) };
      },
      async return() {
        destroy();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator, destroy };
  }

  #taken(): Buffer | undefined {
    if (this.#buffer.length === 0) return undefined;
    const taken = this.#buffer;
    this.#buffer = nothing;
    return taken;
  }

  async #read(silenceMs: number): Promise<Uint8Array | undefined> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#ended) return undefined;
    const fail = (): void => this.fail(new GitferryError('timed_out', { detail: `${this.#place}.` }));
    const timer = silenceMs === 0 ? undefined : setTimeout(fail, silenceMs);
    try {
      const chunk = await this.#channel.read();
      if (this.#error !== undefined) throw this.#error;
      this.#ended = chunk === undefined;
      return chunk;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Follows the framing of packets through pieces of any size. */
class FlushFinder {
  readonly #header = Buffer.alloc(headerBytes);
  #filled = 0;
  /** Bytes of the current packet that are still to come. */
  #left = 0;

  /** The offset behind the flush packet, if it ends in this piece. Throws `protocol_error` for what is no packet. */
  find(chunk: Uint8Array): number | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      this.#header[this.#filled++] = chunk[at++] ?? 0;
      if (this.#filled < headerBytes) continue;
      this.#filled = 0;
      const length = parsePktLength(this.#header, 0);
      if (length === 0) return at;
      this.#left = Math.max(0, length - headerBytes);
    }
    return undefined;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
