/** Reads packets from a stream of bytes: the thin asynchronous layer above decodePkt. */

import { isAscii } from 'node:buffer';
import type { ErrorCode } from '../../core/error-catalogue.ts';
import { GitferryError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { decodePkt, type Pkt, parsePktLength, pktText } from './pkt-line.ts';

export type ByteStream = AsyncIterable<Uint8Array>;

const nothing = Buffer.alloc(0);

export interface PktReaderOptions {
  /** More bytes than this in packets are `advertisement_too_large`. Sideband data does not count. */
  readonly maxBytes: number;
  /** What a stream that ends within a packet, or where one is expected, is called. */
  readonly truncatedCode: ErrorCode;
  /** Told the length of each line that `readLines` takes, before it is taken; may throw. */
  readonly onLine?: ((lineBytes: number) => void) | undefined;
}

export class PktReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  readonly #truncatedCode: ErrorCode;
  readonly #onLine: ((lineBytes: number) => void) | undefined;
  #buffer: Buffer = nothing;
  #offset = 0;
  #bytesRead = 0;

  constructor(stream: ByteStream, options: PktReaderOptions) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#maxBytes = options.maxBytes;
    this.#truncatedCode = options.truncatedCode;
    this.#onLine = options.onLine;
  }

  /** The next packet, or undefined at a clean end of the stream. Throws the truncation code if it ends within a packet. */
  async readOrEnd(): Promise<Pkt | undefined> {
    for (;;) {
      const decoded = decodePkt(this.#buffer, this.#offset);
      if (!('needBytes' in decoded)) {
        this.#advance(decoded.end);
        return decoded.pkt;
      }
      if (!(await this.#fill(decoded.needBytes))) {
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

  /**
   * Hands the text of each packet up to the flush packet to `take`, as `pktText` would give it. For lists of up to a million lines:
   * there is no promise and no Buffer per line, and each network read becomes text at once. Throws what `read` throws, and `protocol_error`
   * for another mark than flush.
   */
  async readLines(take: (line: string) => void): Promise<void> {
    for (let need = this.#takeLines(take); need > 0; need = this.#takeLines(take)) {
      if (!(await this.#fill(need))) throw this.#truncated();
    }
  }

  /** Takes the lines that are here already. Returns 0 behind the flush packet, else how many bytes the next packet needs. */
  #takeLines(take: (line: string) => void): number {
    const bytes = this.#buffer;
    const text = isAscii(bytes) ? bytes.toString('latin1') : undefined;
    for (;;) {
      const start = this.#offset + 4;
      if (bytes.length < start) return 4;
      const length = parsePktLength(bytes, this.#offset);
      const end = start - 4 + Math.max(length, 4);
      if (bytes.length < end) return length;
      this.#advance(end);
      if (length === 0) return 0;
      if (length < 4) throw new GitferryError('protocol_error', { detail: `Unexpected mark 000${length} in a list.` });
      this.#onLine?.(length);
      const textEnd = end > start && bytes[end - 1] === 10 ? end - 1 : end;
      const line = text === undefined ? bytes.toString('utf8', start, textEnd) : text.slice(start, textEnd);
      if (line.startsWith(errPrefix)) throw remoteError(line);
      take(line);
    }
  }

  #advance(end: number): void {
    this.#bytesRead += end - this.#offset;
    if (this.#bytesRead > this.#maxBytes) {
      throw new GitferryError('advertisement_too_large', { detail: `It goes on after ${this.#maxBytes} bytes.` });
    }
    this.#offset = end;
  }

  /** Reads until `needBytes` are buffered; false if the stream ends before. Pieces are joined once, however small they are. */
  async #fill(needBytes: number): Promise<boolean> {
    const pieces: Uint8Array[] = this.#offset < this.#buffer.length ? [this.#buffer.subarray(this.#offset)] : [];
    let bytes = this.#buffer.length - this.#offset;
    while (bytes < needBytes) {
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      pieces.push(value);
      bytes += value.length;
    }
    const [first] = pieces;
    this.#buffer =
      pieces.length === 1 && first !== undefined ? Buffer.from(first.buffer, first.byteOffset, first.byteLength) : Buffer.concat(pieces);
    this.#offset = 0;
    return bytes >= needBytes;
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

const errPrefix = 'ERR ';

/** Passes a packet on unless it is the server's `ERR` line, gitprotocol-pack(5). */
export function throwIfErr(pkt: Pkt): Pkt {
  if (Buffer.isBuffer(pkt) && pkt.length > errPrefix.length && pkt.toString('latin1', 0, errPrefix.length) === errPrefix) {
    throw remoteError(pktText(pkt));
  }
  return pkt;
}

function remoteError(line: string): GitferryError {
  return new GitferryError('remote_error', { words: printable(line.slice(errPrefix.length)) });
}
