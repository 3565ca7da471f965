/** The small blobs of a pack, read in passing: nothing is stored on disk, large objects are inflated and forgotten. */
import { createHash } from 'node:crypto';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { applyDelta, deltaSizes } from './delta.ts';
import type { IncomingPack } from './incoming-pack.ts';
import { KeptContents, placeOf } from './kept-contents.ts';
import { type PackEntry, readPackEntries } from './pack-entries.ts';

export interface SmallBlobsOptions {
  readonly format: ObjectFormat;
  /** Blobs below this size are given out. */
  readonly belowBytes: number;
  /** What every blob of interest holds, ASCII. Where a delta's base is not there, its result is of interest only if base or delta hold this. */
  readonly mark: string;
  onBlob(content: Uint8Array): void;
}

/** Objects up to this size are kept as long as there is room: git makes no delta of what has more than 32 times its size. */
const baseBytes = 32 * 1024;
/**
 * Reads the pack to its end, and calls `onBlob` for each small blob. Resolves with how many there may be that could not be put together (their bases
 * were too large to keep): never any in a pack of small blobs alone. Memory: the small contents, up to 32 MiB, and 16 bytes an object.
 * Throws `pack_corrupt`, and what the pack's stream throws.
 */
export async function readSmallBlobs(pack: IncomingPack, options: SmallBlobsOptions): Promise<{ readonly unread: number }> {
  const reader = new SmallBlobReader(options);
  const { format, mark } = options;
  await readPackEntries(pack, { format, mark, maxBytes: () => baseBytes, onEntry: (entry) => reader.take(entry) });
  return { unread: reader.unread };
}

const otherType = 0;
const blob = 1;
const markedBlob = 2;
type EntryKind = typeof otherType | typeof blob | typeof markedBlob;

class SmallBlobReader {
  readonly #options: SmallBlobsOptions;
  /** Of each entry, in the order of the pack: where it begins, and what it is. */
  readonly #offsets: number[] = [];
  readonly #kinds: EntryKind[] = [];
  readonly #kept = new KeptContents();
  /** Where blobs begin, by name: only if the pack names bases so. */
  #byName: Map<Oid, number> | undefined;
  unread = 0;

  constructor(options: SmallBlobsOptions) {
    this.#options = options;
  }

  take(entry: PackEntry): void {
    const { type, offset, content, holdsMark } = entry;
    if (type === 'blob' && content === undefined) this.#note(offset, holdsMark ? markedBlob : blob);
    else if (type === 'blob' && content !== undefined) this.#blob(offset, content);
    else if (type === 'ofs-delta' || type === 'ref-delta') this.#delta(entry);
    else this.#note(offset, otherType);
  }

  #delta({ offset, base, content: delta, holdsMark }: PackEntry): void {
    const baseOffset = typeof base === 'string' ? this.#named(base) : base;
    const kept = baseOffset === undefined ? undefined : this.#kept.at(baseOffset);
    const bytes = delta === undefined ? 0 : deltaSizes(delta).resultBytes;
    if (kept !== undefined && delta !== undefined && bytes <= baseBytes) return this.#blob(offset, applyDelta(kept, delta));
    const baseKind = baseOffset === undefined ? markedBlob : kept === undefined ? this.#kindAt(baseOffset) : this.#kindOf(kept);
    if (baseKind === otherType) return this.#note(offset, otherType);
    if (delta === undefined) return this.#note(offset, holdsMark ? markedBlob : baseKind);
    const isMarked = baseKind === markedBlob || delta.includes(this.#options.mark);
    if (isMarked && bytes < this.#options.belowBytes) this.unread++;
    this.#note(offset, isMarked ? markedBlob : blob);
  }

  #blob(offset: number, content: Buffer): void {
    this.#note(offset, blob);
    if (content.length < this.#options.belowBytes) this.#options.onBlob(content);
    this.#byName?.set(this.#nameOf(content), offset);
    if (this.#kept.isFull(content.length)) this.#dropOldest();
    this.#kept.add(offset, content);
  }

  /** Bases stand near their deltas. */
  #dropOldest(): void {
    for (const { offset, content } of this.#kept.dropOldest()) {
      // Asked only of those that are let go: most packs fit.
      this.#kinds[placeOf(offset, this.#offsets)] = this.#kindOf(content);
      this.#byName?.delete(this.#nameOf(content));
    }
  }

  #kindOf(content: Buffer): EntryKind {
    return content.includes(this.#options.mark) ? markedBlob : blob;
  }

  #note(offset: number, kind: EntryKind): void {
    this.#offsets.push(offset);
    this.#kinds.push(kind);
  }

  #kindAt(offset: number): EntryKind {
    const place = placeOf(offset, this.#offsets);
    return this.#offsets[place] === offset ? (this.#kinds[place] ?? markedBlob) : markedBlob;
  }

  #named(name: Oid): number | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const { offset, content } of this.#kept.all()) this.#byName.set(this.#nameOf(content), offset);
    }
    return this.#byName.get(name);
  }

  #nameOf(content: Buffer): Oid {
    return createHash(this.#options.format).update(`blob ${content.length}\0`).update(content).digest('hex');
  }
}
