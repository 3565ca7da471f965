/** Names the files that stand for LFS objects at the tips of refs: one fetch of the tips' trees, for a run that has failures to name. */
import { createHash } from 'node:crypto';
import { limits } from '../core/limits.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import { hashBytes, type ObjectFormat, type Oid } from '../git/object-id.ts';
import { applyDelta, deltaSizes } from '../git/pack/delta.ts';
import { openPack } from '../git/pack/incoming-pack.ts';
import { type PackEntry, readPackEntries } from '../git/pack/pack-entries.ts';
import { encodePointer, type LfsObject } from './pointer.ts';

/** How many bytes of trees are kept, and how long the source may take to send them. */
export type PathLimits = Readonly<Record<'lfsPathBytes' | 'lfsPathMs', number>>;

/**
 * LFS oid → path, for those that a canonical pointer at one of the tips names; the first path where there are several. A source that does not filter is not
 * asked. Stops at its limits with what it has. Throws what the source's answer is wrong with: a caller that can do without ignores it.
 */
export async function findPaths(
  source: UploadPack,
  tips: readonly Oid[],
  objects: readonly LfsObject[],
  most: PathLimits = limits,
): Promise<ReadonlyMap<string, string>> {
  if (!source.offersFilter || tips.length === 0 || objects.length === 0) return new Map();
  const request = { wants: tips, haves: [], depth: 1, filter: 'blob:none', done: true, thinPack: false, ofsDelta: true };
  const answer = await source.fetch(request, { patient: false });
  let isLate = false;
  // A source that sends a little now and then would never be silent for too long.
  const timer = setTimeout(() => {
    isLate = true;
    answer.abort();
  }, most.lfsPathMs);
  try {
    const trees = new Trees(source.objectFormat, most.lfsPathBytes);
    const pack = await openPack(answer.pack, source.objectFormat);
    const onEntry = (entry: PackEntry): void => {
      trees.take(entry);
      if (trees.bytes > most.lfsPathBytes) throw new Enough();
    };
    await readPackEntries(pack, { format: source.objectFormat, maxBytes: () => most.lfsPathBytes, onEntry }).catch((error: unknown) => {
      if (!isLate && !(error instanceof Enough)) throw error;
    });
    return trees.pathsOf(new Map(objects.map((object) => [blobName(object, source.objectFormat), object.oid])));
  } finally {
    clearTimeout(timer);
    answer.abort();
  }
}

/** A limit is reached. */
class Enough extends Error {}

function blobName(object: LfsObject, format: ObjectFormat): Oid {
  const pointer = encodePointer({ ...object, extensions: [] });
  return createHash(format).update(`blob ${pointer.length}\0${pointer}`).digest('hex');
}

interface Held {
  readonly type: string;
  readonly content: Buffer;
}

/** Commits and trees of a pack, by name. */
class Trees {
  readonly #format: ObjectFormat;
  readonly #mostBytes: number;
  readonly #byOffset = new Map<number, Held>();
  readonly #byName = new Map<Oid, Held>();
  readonly #roots: Oid[] = [];
  bytes = 0;

  /** None larger than `mostBytes` is made from a delta. */
  constructor(format: ObjectFormat, mostBytes: number) {
    this.#format = format;
    this.#mostBytes = mostBytes;
  }

  take({ offset, type, base, content }: PackEntry): void {
    const held = content === undefined ? undefined : this.#whole(type, base, content);
    if (held === undefined || (held.type !== 'commit' && held.type !== 'tree')) return;
    this.bytes += held.content.length;
    this.#byOffset.set(offset, held);
    const header = `${held.type} ${held.content.length}\0`;
    this.#byName.set(createHash(this.#format).update(header).update(held.content).digest('hex'), held);
    const root = /^tree ([0-9a-f]+)\n/.exec(held.content.toString('latin1', 0, 80))?.[1];
    if (held.type === 'commit' && root !== undefined) this.#roots.push(root);
  }

  #whole(type: PackEntry['type'], base: PackEntry['base'], content: Buffer): Held | undefined {
    if (base === undefined) return { type, content: Buffer.from(content) };
    const of = typeof base === 'number' ? this.#byOffset.get(base) : this.#byName.get(base);
    if (of === undefined || deltaSizes(content).resultBytes > this.#mostBytes) return undefined;
    return { type: of.type, content: applyDelta(of.content, content) };
  }

  /** `wanted`: name of a blob → what it stands for. Looks into each tree once. */
  pathsOf(wanted: ReadonlyMap<Oid, string>): ReadonlyMap<string, string> {
    const paths = new Map<string, string>();
    const seen = new Set<Oid>();
    const left = this.#roots.map((name) => ({ name, path: '' }));
    for (let next = left.pop(); next !== undefined && paths.size < wanted.size; next = left.pop()) {
      const tree = this.#byName.get(next.name);
      if (tree?.type !== 'tree' || seen.has(next.name)) continue;
      seen.add(next.name);
      for (const { name, oid, isTree } of entriesOf(tree.content, hashBytes[this.#format])) {
        const path = `${next.path}${name}`;
        if (isTree) left.push({ name: oid, path: `${path}/` });
        const object = wanted.get(oid);
        if (object !== undefined && !paths.has(object)) paths.set(object, path);
      }
    }
    return paths;
  }
}

interface TreeEntry {
  readonly name: string;
  readonly oid: Oid;
  readonly isTree: boolean;
}

/** `<mode> <name>\0<oid>` again and again; ends where that is not so. */
function* entriesOf(tree: Buffer, oidBytes: number): Generator<TreeEntry, void> {
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(0x20, at);
    const zero = tree.indexOf(0, space);
    const end = zero + 1 + oidBytes;
    if (space < 0 || zero < 0 || end > tree.length) return;
    yield {
      name: tree.toString('utf8', space + 1, zero),
      oid: tree.toString('hex', zero + 1, end),
      isTree: tree.toString('latin1', at, space) === '40000',
    };
    at = end;
  }
}
