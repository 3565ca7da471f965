/** Reads packets from a stream of bytes: the thin asynchronous layer above decodePkt. */

import type { ErrorCode } from '../../core/error-catalogue.ts';
import { GitferryError } from '../../core/errors.ts';
import { decodePkt, type Pkt, pktText } from './pkt-line.ts';

export type ByteStream = AsyncIterable<Uint8Array>;

const nothing = Buffer.alloc(0);

export interface PktReaderOptions {
  /** More bytes than this in packets are `advertisement_too_large`. Sideband data does not count. */
  readonly maxBytes: number;
  /** What a stream that ends within a packet, or where one is expected, is called. */
  readonly truncatedCode: ErrorCode;
}

export class PktReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  readonly #truncatedCode: ErrorCode;
  #buffer: Buffer = nothing;
  #offset = 0;
  #bytesRead = 0;

  constructor(stream: ByteStream, options: PktReaderOptions) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#maxBytes = options.maxBytes;
    this.#truncatedCode = options.truncatedCode;
  }

  /** The next packet if it is here already, else undefined: then `fill`. Lets long lists be read without a promise per line. */
  tryRead(): Pkt | undefined {
    const decoded = decodePkt(this.#buffer, this.#offset);
    if ('needBytes' in decoded) return undefined;
    this.#bytesRead += decoded.end - this.#offset;
    if (this.#bytesRead > this.#maxBytes) {
      throw new GitferryError('advertisement_too_large', { detail: `It goes on after ${this.#maxBytes} bytes.` });
    }
    this.#offset = decoded.end;
    return decoded.pkt;
  }

  /** Reads more bytes; false at the end of the stream. */
  async fill(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.#buffer = this.#offset === this.#buffer.length ? chunk : Buffer.concat([this.#buffer.subarray(this.#offset), chunk]);
    this.#offset = 0;
    return true;
  }

  /** The next packet, or undefined at a clean end of the stream. Throws the truncation code if it ends within a packet. */
  async readOrEnd(): Promise<Pkt | undefined> {
    for (;;) {
      const pkt = this.tryRead();
      if (pkt !== undefined) return pkt;
      if (!(await this.fill())) {
        if (this.#offset < this.#buffer.length) throw this.#truncated();
        return undefined;
      }
    }
  }

  /** The next packet; the end of the stream is an error, and so is `ERR` (`remote_error` with the server's words). */
  async read(): Promise<Pkt> {
    const pkt = await this.readOrEnd();
    if (pkt === undefined) throw this.#truncated();
    return throwIfErr(pkt);
  }

  /** Bytes as they come, framing left to the caller: what is buffered first, then the stream. For sideband data and raw packs. */
  async *rest(): ByteStream {
    if (this.#offset < this.#buffer.length) {
      const left = this.#buffer.subarray(this.#offset);
      this.#buffer = nothing;
      this.#offset = 0;
      yield left;
    }
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return;
      yield value;
    }
  }

  /** Reads on to the end and forgets it, so that the connection can be used again; ends the stream if that would take more than `maxBytes`. */
  async drain(maxBytes: number): Promise<void> {
    let bytes = 0;
    for await (const chunk of this.rest()) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
    }
    await this.cancel();
  }

  /** Ends the stream below. Safe at any time, also twice. */
  async cancel(): Promise<void> {
    await this.#chunks.return?.();
  }

  #truncated(): GitferryError {
    return new GitferryError(this.#truncatedCode, { detail: 'The answer ended in the middle.' });
  }
}

/** Passes a packet on unless it is the server's `ERR` line, gitprotocol-pack(5). */
export function throwIfErr(pkt: Pkt): Pkt {
  if (Buffer.isBuffer(pkt) && pkt.length > 4 && pkt.toString('latin1', 0, 4) === 'ERR ') {
    throw new GitferryError('remote_error', { detail: pktText(pkt.subarray(4)).slice(0, 1000) });
  }
  return pkt;
}
