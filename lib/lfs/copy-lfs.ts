/** The LFS part of a run: finds what the refs need, adds what failed before, copies it, and says what became of it. */

import type { GitferryError } from '../core/errors.ts';
import { copyObjects } from './copy-objects.ts';
import { findPointers, type PointerSearch, pointersAmong } from './find-pointers.ts';
import type { LfsFailure } from './lfs-failure.ts';
import { unlessOver } from './lfs-failure.ts';
import type { LfsServer } from './lfs-server.ts';
import type { LfsObject } from './pointer.ts';

export interface CopyLfsInput {
  /** undefined = there is nothing to look at, only what failed before. */
  readonly search: PointerSearch | undefined;
  /** Small blobs that the refs add, all of them: they are looked through instead of a search. */
  readonly blobs?: readonly Buffer[] | undefined;
  /** What earlier runs could not copy. */
  readonly failedBefore: readonly LfsObject[];
  /** Called only if there is something to ask for. */
  connect(side: 'source' | 'target'): LfsServer;
  /** Full name of a ref to name to the servers. */
  readonly ref: string | undefined;
  onBytes(bytes: number): void;
}

export interface CopiedLfs {
  /** What the target was asked about: all that is in no failure is there, unless the run has ended. */
  readonly objects: readonly LfsObject[];
  readonly moved: number;
  /** The target had them. */
  readonly skipped: number;
  /** Of objects that arrived. */
  readonly bytes: number;
  readonly failures: readonly LfsFailure[];
  /** The source did not let its pointers be looked at: those of this run are not known. */
  readonly scanError: GitferryError | undefined;
  /** Why there may be more pointers than were seen. */
  readonly gap: string | undefined;
  /** What ended the run before all was done. */
  readonly ended: unknown;
}

/** Never throws: what an end does wrong is a failure of the objects concerned. */
export async function copyLfs({ search, blobs, failedBefore, connect, ref, onBytes }: CopyLfsInput): Promise<CopiedLfs> {
  const objects = new Map(failedBefore.map((object) => [object.oid, object]));
  const nothing = { objects: [], moved: 0, skipped: 0, bytes: 0, failures: [], scanError: undefined, gap: undefined, ended: undefined };
  let scanError: GitferryError | undefined;
  let gap: string | undefined;
  try {
    const found = blobs !== undefined ? pointersAmong(blobs) : search === undefined ? undefined : await findPointers(search);
    gap = found?.gap;
    for (const object of found?.objects ?? []) objects.set(object.oid, object);
  } catch (error) {
    try {
      scanError = unlessOver(error);
    } catch (ended) {
      return { ...nothing, ended };
    }
  }
  if (objects.size === 0) return { ...nothing, scanError, gap };
  const ends = { source: connect('source'), target: connect('target') };
  const asked = [...objects.values()];
  return { objects: asked, ...(await copyObjects({ objects: asked, ...ends, ref, onBytes })), scanError, gap };
}
