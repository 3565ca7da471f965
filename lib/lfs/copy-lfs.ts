/** The LFS part of a run: finds what the refs need, adds what failed before, copies it, and sums up. */
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { copyObjects } from './copy-objects.ts';
import { findPointers, type PointerSearch } from './find-pointers.ts';
import type { LfsFailure } from './lfs-failure.ts';
import type { LfsServer } from './lfs-server.ts';
import type { LfsObject } from './pointer.ts';

export interface CopyLfsInput {
  /** undefined = there is nothing to look at, only what failed before. */
  readonly search: PointerSearch | undefined;
  /** What earlier runs could not copy. */
  readonly failedBefore: readonly LfsObject[];
  /** Opened only if there is something to ask for. */
  connect(side: 'source' | 'target'): LfsServer;
  readonly ref: string | undefined;
  onBytes(bytes: number): void;
}

export interface LfsResult {
  readonly moved: number;
  readonly skipped: number;
  readonly bytes: number;
  readonly failures: readonly LfsFailure[];
  /** Why pointers may be left that nobody has looked at. */
  readonly scanError: GitferryError | undefined;
}

/** Throws only what ends the run (`deadline_exceeded`, ...), after telling `onPartial` what was done until then. */
export async function copyLfs(input: CopyLfsInput, onPartial: (result: LfsResult) => void): Promise<LfsResult> {
  const objects = new Map(input.failedBefore.map((object) => [object.oid, object]));
  let scanError: GitferryError | undefined;
  if (input.search !== undefined && input.search.wants.length > 0) {
    try {
      for (const object of await findPointers(input.search)) objects.set(object.oid, object);
    } catch (error) {
      if (!(error instanceof GitferryError) || error.code !== 'lfs_scan_failed') throw error;
      scanError = error;
    }
  }
  if (objects.size === 0) return { moved: 0, skipped: 0, bytes: 0, failures: [], scanError };
  const { ref, onBytes, connect } = input;
  const { ended, ...copied } = await copyObjects({
    objects: [...objects.values()],
    source: connect('source'),
    target: connect('target'),
    ref,
    onBytes,
  });
  const result = { ...copied, scanError };
  if (ended === undefined) return result;
  onPartial(result);
  throw ended;
}

/** What the record of a run names. */
export function namedFailures(failures: readonly LfsFailure[]): readonly LfsFailure[] {
  return failures.slice(0, limits.lfsNamedFailures);
}
