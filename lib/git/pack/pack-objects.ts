/** The objects of a pack one after the other, as its bytes come: deltas put together, ids computed over what was received (gitformat-pack(5)). */
import type { ObjectFormat, Oid } from '../object-id.ts';
import { applyDelta, deltaSizes } from './delta.ts';
import { type ObjectType, objectId } from './git-object.ts';
import type { IncomingPack } from './incoming-pack.ts';
import { KeptContents, mostKeptBytes } from './kept-contents.ts';
import { type PackEntry, readPackEntries } from './pack-entries.ts';

export interface PackObject {
  readonly type: ObjectType;
  /** Computed over the content. */
  readonly oid: Oid;
  /** Holds until the next object is given out: copy what is to be kept. */
  readonly content: Buffer;
}

export interface ObjectsOptions {
  readonly format: ObjectFormat;
  /** Objects of other types are passed over. */
  readonly types: ReadonlySet<ObjectType>;
  /** Larger objects of these types, and those whose base is not there, are passed over; see `PassedOver`. */
  readonly maxBytes: number;
  /** What it throws ends the reading. */
  onObject(object: PackObject): void;
  /** Hears of each object that cannot be given out although it may be of the wanted types; `resultBytes` as far as the pack says it. */
  onPassedOver?(object: PassedOver): void;
}

export interface PassedOver {
  /** undefined = a delta of something that is not in the pack, or was too large to be kept. */
  readonly type: ObjectType | undefined;
  readonly resultBytes: number | undefined;
}

/**
 * Reads the pack to its end, checksum included. Memory: the objects of the wanted types, up to 32 MiB of them; where there are more, the oldest are
 * forgotten, and deltas of those passed over. Throws `pack_corrupt`, and what the pack's stream or `onObject` throws.
 */
export async function readPackObjects(pack: IncomingPack, options: ObjectsOptions): Promise<void> {
  const reader = new ObjectReader(options);
  const maxBytes = (type: PackEntry['type']): number => (isDelta(type) || options.types.has(type) ? options.maxBytes : 0);
  await readPackEntries(pack, { format: options.format, maxBytes, onEntry: (entry) => reader.take(entry) });
}

function isDelta(type: PackEntry['type']): type is 'ofs-delta' | 'ref-delta' {
  return type === 'ofs-delta' || type === 'ref-delta';
}

class ObjectReader {
  readonly #options: ObjectsOptions;
  readonly #kept = new KeptContents();
  /** Of what is kept: its type, and where it begins, by offset and by name. */
  readonly #types = new Map<number, ObjectType>();
  readonly #offsets = new Map<Oid, number>();

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  take(entry: PackEntry): void {
    const { type, offset, content, bytes } = entry;
    if (isDelta(type)) return this.#delta(entry);
    if (!this.#options.types.has(type)) return;
    if (content === undefined) this.#options.onPassedOver?.({ type, resultBytes: bytes });
    else this.#give(type, offset, content);
  }

  #delta({ offset, base, content: delta }: PackEntry): void {
    const baseOffset = typeof base === 'string' ? this.#offsets.get(base) : base;
    const type = baseOffset === undefined ? undefined : this.#types.get(baseOffset);
    const baseContent = baseOffset === undefined || type === undefined ? undefined : this.#kept.at(baseOffset);
    const resultBytes = delta === undefined ? undefined : deltaSizes(delta).resultBytes;
    if (type === undefined || baseContent === undefined || delta === undefined || (resultBytes ?? 0) > this.#options.maxBytes) {
      this.#options.onPassedOver?.({ type, resultBytes });
      return;
    }
    this.#give(type, offset, applyDelta(baseContent, delta));
  }

  #give(type: ObjectType, offset: number, content: Buffer): void {
    const oid = objectId(type, content, this.#options.format);
    if (content.length <= mostKeptBytes) this.#keep(type, oid, offset, content);
    this.#options.onObject({ type, oid, content });
  }

  #keep(type: ObjectType, oid: Oid, offset: number, content: Buffer): void {
    if (this.#kept.isFull(content.length)) {
      // Bases stand near their deltas.
      for (const dropped of this.#kept.dropOldest()) this.#types.delete(dropped.offset);
    }
    this.#kept.add(offset, content);
    this.#types.set(offset, type);
    this.#offsets.set(oid, offset);
  }
}
