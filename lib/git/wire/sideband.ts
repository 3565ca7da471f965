/** The side-band-64k multiplexing, gitprotocol-pack(5): band 1 carries data, band 2 words for people, band 3 a fatal error. */

import { StringDecoder } from 'node:string_decoder';
import type { ErrorCode } from '../../core/error-catalogue.ts';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { printable } from '../../core/printable.ts';
import { parsePktLength } from './pkt-line.ts';
import type { ByteStream } from './pkt-reader.ts';

/** `Resolving deltas:  50% (1/2)`, `Enumerating objects: 5, done.`: how far the server has come, for people who watch. */
const progress = /: +\d+% \(\d+\/\d+\)|: \d+, done\.?$/;

/** What a server said on band 2: hooks, errors. Progress is left out; the last `limits.remoteWordsBytes` are kept, in whole lines; of a longer line its beginning. */
export class RemoteWords {
  readonly #decoder = new StringDecoder('utf8');
  readonly #lines: string[] = [];
  #line = '';
  #characters = 0;

  add(bytes: Uint8Array): void {
    const text = this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const [first = '', ...others] = text.split(/[\r\n]+/);
    this.#goOn(first);
    for (const piece of others) {
      this.#end();
      this.#goOn(piece);
    }
    // Never the beginning of a line alone: the rest of it might be the rest of a password.
    while (this.#characters > limits.remoteWordsBytes && this.#lines.length > 0) this.#characters -= this.#lines.shift()?.length ?? 0;
  }

  /** Lines without control characters, empty ones left out. */
  lines(): string[] {
    const last = shownLine(this.#line);
    return last === '' ? [...this.#lines] : [...this.#lines, last];
  }

  #goOn(piece: string): void {
    const kept = piece.slice(0, limits.remoteWordsBytes - this.#line.length);
    this.#line += kept;
    this.#characters += kept.length;
  }

  #end(): void {
    this.#characters -= this.#line.length;
    const shown = shownLine(this.#line);
    this.#line = '';
    if (shown === '') return;
    this.#lines.push(shown);
    this.#characters += shown.length;
  }
}

/** '' for progress. */
function shownLine(line: string): string {
  const shown = printable(line).trim();
  return progress.test(shown) ? '' : shown;
}

export interface SidebandOptions {
  readonly words: RemoteWords;
  /** What a stream that ends before its flush packet is called. */
  readonly truncatedCode: ErrorCode;
}

/**
 * The data of band 1, in pieces as they arrive: packets are not reassembled and nothing is copied, so memory stays at one network read.
 * Ends at the flush packet (bytes behind it are `protocol_error`). Throws `remote_error` for band 3, the truncation code for a cut stream.
 */
export async function* demultiplex(stream: ByteStream, { words, truncatedCode }: SidebandOptions): ByteStream {
  const fatal: Buffer[] = [];
  const header = Buffer.alloc(5); // four digits and the number of the band
  let filled = 0;
  let packetBytes = 0;
  let band = 0;
  let left = 0;
  let ended = false;
  for await (const chunk of stream) {
    let offset = 0;
    while (offset < chunk.length) {
      if (left > 0) {
        const piece = chunk.subarray(offset, offset + left);
        offset += piece.length;
        left -= piece.length;
        if (band === 1) yield piece;
        else if (band === 2) words.add(piece);
        else fatal.push(Buffer.from(piece));
        if (band === 3 && left === 0) throw fatalError(words, fatal);
        continue;
      }
      if (ended) throw new GitferryError('protocol_error', { detail: 'There are bytes after the end of the answer.' });
      header[filled++] = chunk[offset++] as number;
      if (filled === 4) {
        packetBytes = parsePktLength(header, 0);
        if (packetBytes === 1 || packetBytes === 2)
          throw new GitferryError('protocol_error', { detail: `Unexpected mark 000${packetBytes} in sideband data.` });
        ended = packetBytes === 0;
        if (packetBytes <= 4) filled = 0; // the end, or a keep-alive without a band
      } else if (filled === 5) {
        band = header[4] as number;
        if (band < 1 || band > 3) throw new GitferryError('protocol_error', { detail: `There is no sideband ${band}.` });
        left = packetBytes - 5;
        filled = 0;
        if (band === 3 && left === 0) throw fatalError(words, fatal);
      }
    }
  }
  if (!ended) throw new GitferryError(truncatedCode);
}

/** The server's last words, behind what it said before: that often says more (`unable to read 62cf...`, then `possible repository corruption`). */
function fatalError(words: RemoteWords, pieces: readonly Buffer[]): GitferryError {
  const last = printable(Buffer.concat(pieces).toString('utf8')).trim();
  return new GitferryError('remote_error', { words: [...words.lines(), last].join(' | ') });
}
