/** Finds the LFS pointers among the objects that some refs have and others have not: one fetch of small blobs, read in passing. */
import { collectYoungGarbage } from '../core/collect-garbage.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { fetchPack } from '../git/client/fetch-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import type { IncomingPack } from '../git/pack/incoming-pack.ts';
import { readSmallBlobs } from '../git/pack/small-blobs.ts';
import { unlessOver } from './lfs-failure.ts';
import { type LfsObject, parsePointer, pointerBytes } from './pointer.ts';

export interface PointerSearch {
  readonly source: UploadPack;
  readonly wants: readonly Oid[];
  /** None = look at all that `wants` reach. */
  readonly haves: readonly Oid[];
  readonly shallows: readonly Oid[];
}

/** In the order in which they are tried; the last is no filter at all. Servers that offer filters may refuse a certain one. */
const filters = [`combine:blob:limit=${pointerBytes}+object:type=blob`, `blob:limit=${pointerBytes}`, undefined] as const;

export interface FoundPointers {
  /** Each once. */
  readonly objects: readonly LfsObject[];
  /** Why there may be more, as part of a sentence; undefined = these are all. */
  readonly gap: string | undefined;
}

/** The same of blobs that are here already. */
export function pointersAmong(blobs: readonly Uint8Array[]): FoundPointers {
  const pointers = blobs.flatMap((content) => parsePointer(content) ?? []);
  return { objects: [...new Map(pointers.map(({ oid, size }) => [oid, { oid, size }])).values()], gap: undefined };
}

/** How much is looked at, and found, at most. */
export type ScanLimits = Readonly<Record<'lfsScanObjects' | 'lfsScanBytes' | 'lfsObjects', number>>;

/**
 * Asks with the narrowest filter that the source takes; without any the whole pack is read in passing. Beyond the limits it stops, and says so in `gap`.
 * Throws `lfs_scan_failed` where the source does not send what was asked for, and what ends the run.
 */
export async function findPointers(search: PointerSearch, most: ScanLimits = limits): Promise<FoundPointers> {
  const usable = search.source.offersFilter ? filters : filters.slice(-1);
  let failure: GitferryError | undefined;
  for (const filter of usable) {
    try {
      return await searchWith(search, filter, most);
    } catch (error) {
      // The first one speaks of the filter, the last one of what is really wrong.
      failure = unlessOver(error);
    }
  }
  throw new GitferryError('lfs_scan_failed', { detail: failure?.message ?? '', cause: failure });
}

async function searchWith(
  { source, wants, haves, shallows }: PointerSearch,
  filter: string | undefined,
  most: ScanLimits,
): Promise<FoundPointers> {
  const request = { wants, haves, shallows, thinPack: false, ofsDelta: true, ...(filter === undefined ? {} : { filter }) };
  const pack = await fetchPack(source, request);
  const found = new Map<string, LfsObject>();
  const onBlob = (content: Uint8Array): void => {
    const pointer = parsePointer(content);
    if (pointer === undefined || found.has(pointer.oid)) return;
    if (found.size >= most.lfsObjects) throw new TooMuch(`there are more than ${most.lfsObjects} LFS objects`);
    found.set(pointer.oid, { oid: pointer.oid, size: pointer.size });
  };
  let gap: string | undefined;
  try {
    if (pack.objects > most.lfsScanObjects) throw new TooMuch(`${pack.objects} objects would have to be looked at`);
    const options = { format: source.objectFormat, belowBytes: pointerBytes, mark: 'lfs', onBlob };
    const { unread } = await readSmallBlobs(limited(pack, most), options);
    if (unread > 0) gap = `${unread} small files could not be read`;
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    gap = error.message;
  } finally {
    await pack.cancel();
    collectYoungGarbage();
  }
  return { objects: [...found.values()], gap };
}

/** A limit is reached: what was found until then counts. */
class TooMuch extends Error {}

function limited(pack: IncomingPack, { lfsScanBytes }: ScanLimits): IncomingPack {
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    let bytes = 0;
    for await (const chunk of pack.bytes) {
      bytes += chunk.length;
      if (bytes > lfsScanBytes) throw new TooMuch(`more than ${lfsScanBytes} bytes would have to be looked at`);
      yield chunk;
    }
  }
  return { ...pack, bytes: counted() };
}
