/** Finds the LFS pointers among the objects that some refs have and others have not: one fetch of small blobs, read in passing. */
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

/**
 * The objects that the pointers name, each once. Asks with the narrowest filter that the source takes; without any the whole pack is read in passing.
 * Throws `lfs_scan_failed` where a limit is exceeded or small files could not be read, and what ends the run.
 */
export async function findPointers(search: PointerSearch): Promise<readonly LfsObject[]> {
  const usable = search.source.offersFilter ? filters : filters.slice(-1);
  let failure: GitferryError | undefined;
  for (const filter of usable) {
    try {
      return await searchWith(search, filter);
    } catch (error) {
      const reason = unlessOver(error);
      if (reason.code === 'lfs_scan_failed') throw reason;
      // The first one speaks of the filter, the last one of what is really wrong.
      failure = reason;
    }
  }
  throw new GitferryError('lfs_scan_failed', { detail: failure?.message ?? '', cause: failure });
}

async function searchWith({ source, wants, haves, shallows }: PointerSearch, filter: string | undefined): Promise<readonly LfsObject[]> {
  const request = { wants, haves, shallows, thinPack: false, ofsDelta: true, ...(filter === undefined ? {} : { filter }) };
  const pack = await fetchPack(source, request);
  try {
    if (pack.objects > limits.lfsScanObjects) throw tooLarge(`They have ${pack.objects} objects`);
    const found = new Map<string, LfsObject>();
    const { unread } = await readSmallBlobs(limited(pack), {
      format: source.objectFormat,
      belowBytes: pointerBytes,
      mark: 'lfs',
      onBlob(content) {
        const pointer = parsePointer(content);
        if (pointer === undefined || found.has(pointer.oid)) return;
        if (found.size >= limits.lfsObjects) throw tooLarge(`They have more than ${limits.lfsObjects} pointers`);
        found.set(pointer.oid, { oid: pointer.oid, size: pointer.size });
      },
    });
    if (unread > 0) throw new GitferryError('lfs_scan_failed', { detail: `${unread} small files could not be read.` });
    return [...found.values()];
  } finally {
    await pack.cancel();
  }
}

function limited(pack: IncomingPack): IncomingPack {
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    let bytes = 0;
    for await (const chunk of pack.bytes) {
      bytes += chunk.length;
      if (bytes > limits.lfsScanBytes) throw tooLarge(`They have more than ${limits.lfsScanBytes} bytes`);
      yield chunk;
    }
  }
  return { ...pack, bytes: counted() };
}

function tooLarge(what: string): GitferryError {
  return new GitferryError('lfs_scan_failed', { detail: `${what}: more than is looked at.` });
}
