/** How the LFS part stands in a run's outcome. */
import { type ErrorCode, errorCatalogue } from '../core/error-catalogue.ts';
import { limits } from '../core/limits.ts';
import { printable } from '../core/printable.ts';
import type { LfsObject } from '../lfs/pointer.ts';

export interface LfsFailureOutcome extends LfsObject {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Of a file at the tip of a ref that needs it, as the source has it; null = not known. */
  readonly path: string | null;
}

/**
 * What was looked at: `nothing` (no ref was to be written), what is `new` to the target, `everything`; `failed` = the source did not let it be looked at;
 * `interrupted` = the run ended before it was done.
 */
export type LfsScan = 'nothing' | 'new' | 'everything' | 'failed' | 'interrupted';

export interface LfsOutcome {
  readonly scan: LfsScan;
  readonly moved: number;
  /** The target had them. */
  readonly skipped: number;
  readonly failed: number;
  /** Of the objects that were moved. */
  readonly bytes: number;
  /** The first 500 of them. */
  readonly failures: readonly LfsFailureOutcome[];
}

/** One sentence, then an object per line; the code is the objects' own where they all have the same. */
export function lfsRunError({
  failed,
  failures,
}: LfsOutcome): { readonly code: ErrorCode; readonly message: string; readonly hint: string } | undefined {
  const first = failures[0];
  if (first === undefined) return undefined;
  const { disposition, hint } = errorCatalogue[first.code];
  const isSame = failures.every(({ code }) => code === first.code);
  const isOne = isSame && disposition === 'partial';
  // One reason for all, as when a host has no LFS, is said once.
  const hasOneReason = failures.length > 1 && failures.every(({ reason }) => reason === first.reason);
  const lines = failures
    .slice(0, limits.listedInMessage)
    .map(
      ({ oid, size, reason, path }) =>
        `${oid} (${path === null ? '' : `${printable(path)}, `}${size} bytes)${hasOneReason ? '' : `: ${reason}`}`,
    );
  if (failed > lines.length) lines.push(`and ${failed - lines.length} more`);
  if (hasOneReason) lines.unshift(first.reason);
  const code = isOne ? first.code : 'lfs_objects_failed';
  const message = [errorCatalogue.lfs_objects_failed.sentence, ...lines].join('\n');
  // What somebody has to mend, as a certificate, is said; codes that a run is tried again for have hints about that.
  return { code, message, hint: isSame && disposition === 'park' ? hint : errorCatalogue[code].hint };
}
