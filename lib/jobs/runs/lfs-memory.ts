/** LFS from run to run: what the next run looks at and offers again, and what a run leaves behind for that. */
import { limits } from '../../core/limits.ts';
import type { LfsOutcome } from '../../mirror/lfs-outcome.ts';
import type { LfsInput } from '../../mirror/lfs-step.ts';
import type { LfsState } from '../../model/lfs-state.ts';
import type { Mirror } from '../../model/mirror.ts';

/**
 * undefined = LFS is off. Everything is looked at by the first run, after a change to `on`, when a person asks for an update, and after a run that could
 * not remember or not look.
 */
export function lfsInputOf({ lfs: mode, lfsState: state = null, runTrigger }: Mirror): LfsInput | undefined {
  if (mode === 'off') return undefined;
  const isFirst = state === null || (mode === 'on' && state.mode !== 'on');
  const everything = isFirst || state.everything || runTrigger?.kind === 'manual';
  return { mode, everything, failedBefore: (state?.failed ?? []).map(objectOf) };
}

/** undefined = nothing has changed: the run did not get that far, or was ended in the middle. null = off, so that the next one is a first one again. */
export function lfsStateAfter({ lfs: mode, lfsState: before = null }: Mirror, outcome: LfsOutcome | null): LfsState | null | undefined {
  if (mode === 'off') return before === null ? undefined : null;
  if (outcome === null || outcome.scan === 'interrupted') return undefined;
  const failed = outcome.failures.slice(0, limits.lfsRememberedFailures).map(({ oid, size }) => `${oid}:${size}`);
  // A first run without refs to write has still to be done.
  if (before === null && outcome.scan !== 'everything' && outcome.scan !== 'failed') return undefined;
  return { mode, everything: outcome.scan === 'failed' || outcome.failed > failed.length, failed };
}

function objectOf(text: string): { readonly oid: string; readonly size: number } {
  const [oid = '', size = ''] = text.split(':');
  return { oid, size: Number(size) };
}
