/** The entries of a pack one after the other, as its bytes come: type, base, and the content of those that are small (gitformat-pack(5)). */
import { once } from 'node:events';
import { createInflate } from 'node:zlib';
import { GitferryError } from '../../core/errors.ts';
import { hashBytes, type ObjectFormat, type Oid } from '../object-id.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';
import type { IncomingPack } from './incoming-pack.ts';
import { type Inflated, Inflater } from './inflater.ts';

export type EntryType = 'commit' | 'tree' | 'blob' | 'tag' | 'ofs-delta' | 'ref-delta';

export interface PackEntry {
  /** Where it begins in the pack. */
  readonly offset: number;
  readonly type: EntryType;
  /** Inflated: the object's own size, or that of the delta. */
  readonly bytes: number;
  /** Deltas: where their base begins, or its name. */
  readonly base: number | Oid | undefined;
  /** undefined = larger than `maxBytes` of its type. Holds until the next entry is given out: copy what is to be kept. */
  readonly content: Buffer | undefined;
  /** Whether what is larger holds the mark; false if none is looked for. */
  readonly holdsMark: boolean;
}

export interface EntryOptions {
  readonly format: ObjectFormat;
  /** Contents up to this size are given out, of each type. */
  maxBytes(type: EntryType): number;
  /** ASCII, to be looked for in what is larger. */
  readonly mark?: string;
  onEntry(entry: PackEntry): void;
}

const types: Readonly<Record<number, EntryType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag', 6: 'ofs-delta', 7: 'ref-delta' };
const packHeaderBytes = 12;
/** Type, size and base of an entry take at most this much. */
const entryHeaderBytes = 64;
/** A stream that takes this many times its content is damaged. */
const mostInflation = 16;

/**
 * Reads the pack to its end (the trailing checksum included, which `pack.bytes` verifies), and gives out each entry as soon as it is there; what `onEntry`
 * throws ends it. Holds one piece of the pack and one small object at a time. Throws `pack_corrupt`, and what the pack's stream throws.
 */
export async function readPackEntries(pack: IncomingPack, { format, maxBytes, mark, onEntry }: EntryOptions): Promise<void> {
  const window = new Window(pack.bytes);
  const inflater = new Inflater();
  await window.fill(packHeaderBytes);
  window.skip(packHeaderBytes);
  for (let index = 0; index < pack.objects; index++) {
    // Waited for only where something is missing: a pack has thousands of entries, and a piece of it holds hundreds.
    if (!window.has(entryHeaderBytes)) await window.fill(entryHeaderBytes);
    const { offset } = window;
    const { type, bytes } = readTypeAndSize(window);
    const base = readBase(window, type, offset, format);
    let content: Buffer | undefined;
    let holdsMark = false;
    if (bytes > maxBytes(type)) holdsMark = await inflateAway(window, bytes, mark);
    else content = window.inflate(inflater, bytes) ?? (await inflateSmall(window, inflater, bytes));
    onEntry({ offset, type, bytes, base, content, holdsMark });
  }
  await window.drain(hashBytes[format]);
}

function readTypeAndSize(window: Window): { readonly type: EntryType; readonly bytes: number } {
  let byte = window.takeByte();
  const type = types[(byte >> 4) & 7];
  if (type === undefined) throw corrupt('an entry has an unknown type');
  let bytes = byte & 15;
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    if (factor > 2 ** 46) throw corrupt('a size is too large');
    byte = window.takeByte();
    bytes += (byte & 0x7f) * factor;
  }
  return { type, bytes };
}

function readBase(window: Window, type: EntryType, offset: number, format: ObjectFormat): number | Oid | undefined {
  if (type === 'ref-delta') return window.take(hashBytes[format]).toString('hex');
  if (type !== 'ofs-delta') return undefined;
  let byte = window.takeByte();
  let distance = byte & 0x7f;
  while (byte >= 0x80) {
    byte = window.takeByte();
    distance = (distance + 1) * 128 + (byte & 0x7f);
    if (distance > offset) break;
  }
  if (distance > offset || distance === 0) throw corrupt('a delta has its base outside of the pack');
  return offset - distance;
}

async function inflateSmall(window: Window, inflater: Inflater, bytes: number): Promise<Buffer> {
  // Enough for content that cannot be compressed; more only if somebody wrote it strangely.
  for (let needed = bytes + 64; ; needed *= 2) {
    const isAll = !(await window.fill(needed));
    const content = window.inflate(inflater, bytes);
    if (content !== undefined) return content;
    if (isAll || needed > mostInflation * (bytes + 64)) throw corrupt('an object cannot be inflated');
  }
}

/** Large objects: inflated only to find their end, and whether they hold the mark. */
async function inflateAway(window: Window, bytes: number, mark: string | undefined): Promise<boolean> {
  const inflate = createInflate();
  const ended = once(inflate, 'end');
  ended.catch(() => {});
  let inflated = 0;
  let holdsMark = false;
  let tail = Buffer.alloc(0);
  inflate.on('data', (chunk: Buffer) => {
    inflated += chunk.length;
    if (mark === undefined || holdsMark) return;
    // It may lie across two pieces.
    const across = Buffer.concat([tail, chunk.subarray(0, mark.length)]);
    holdsMark = chunk.includes(mark) || across.includes(mark);
    tail = Buffer.concat([tail, chunk.subarray(-mark.length)]).subarray(-mark.length);
  });
  try {
    let fed = 0;
    while (!inflate.readableEnded) {
      if (window.view.length === 0 && !(await window.fill(1))) throw corrupt('it ends within an object');
      const chunk = window.view;
      // The callback comes when the piece is inflated; where the object ends within it, `end` comes instead.
      await Promise.race([new Promise((resolve) => inflate.write(chunk, resolve)), ended]);
      const used = inflate.bytesWritten - fed;
      fed = inflate.bytesWritten;
      window.skip(used);
      if (used < chunk.length) await ended;
      if (inflated > bytes) throw corrupt('an object is longer than it says');
    }
  } catch (error) {
    throw error instanceof GitferryError ? error : corrupt('an object cannot be inflated', error);
  } finally {
    inflate.destroy();
  }
  if (inflated !== bytes) throw corrupt('an object is not as long as it says');
  return holdsMark;
}

/** What has come of the pack and is not used yet. */
class Window {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of the next byte in the pack. */
  offset = 0;

  constructor(stream: ByteStream) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  get view(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  has(bytes: number): boolean {
    return this.#buffer.length - this.#at >= bytes;
  }

  /** The next object, which has so many bytes; undefined if not all of it is here. Throws `pack_corrupt`. */
  inflate(inflater: Inflater, bytes: number): Buffer | undefined {
    let inflated: Inflated;
    try {
      inflated = inflater.inflate(this.#buffer, this.#at, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') return undefined;
      throw corrupt('an object cannot be inflated', error);
    }
    if (inflated.content.length !== bytes) throw corrupt('an object is shorter than it says');
    this.skip(inflated.usedBytes);
    return inflated.content;
  }

  /** Waits for this many bytes; false if the stream ends before. */
  async fill(bytes: number): Promise<boolean> {
    if (this.has(bytes)) return true;
    const rest = this.view;
    // Joined once, however small the pieces are.
    const pieces: Uint8Array[] = rest.length === 0 ? [] : [rest];
    let held = rest.length;
    while (held < bytes) {
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      pieces.push(value);
      held += value.length;
    }
    const [first] = pieces;
    this.#buffer =
      pieces.length === 1 && first !== undefined ? Buffer.from(first.buffer, first.byteOffset, first.length) : Buffer.concat(pieces);
    this.#at = 0;
    return held >= bytes;
  }

  take(bytes: number): Buffer {
    if (!this.has(bytes)) throw corrupt('it ends within an entry');
    const taken = this.#buffer.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    this.offset += bytes;
    return taken;
  }

  takeByte(): number {
    const byte = this.#buffer[this.#at];
    if (byte === undefined) throw corrupt('it ends within an entry');
    this.#at++;
    this.offset++;
    return byte;
  }

  skip(bytes: number): void {
    if (!this.has(bytes)) throw corrupt('it ends within an entry');
    this.#at += bytes;
    this.offset += bytes;
  }

  /** Reads on to the end, which must come after this many bytes. */
  async drain(bytes: number): Promise<void> {
    if (await this.fill(bytes + 1)) throw corrupt('something follows its objects');
    this.skip(bytes);
  }
}

function corrupt(why: string, cause?: unknown): GitferryError {
  return new GitferryError('pack_corrupt', { detail: `In it, ${why}.`, cause });
}
