/** How much a target takes in one push, from run to run: learned from its refusals, forgotten after a while. */
import { serviceLimits } from '../../core/service-limits.ts';
import type { RunOutcome } from '../../mirror/outcome.ts';
import type { PushLimit } from '../../mirror/slices/slice-size.ts';
import type { Mirror, PushLimitState } from '../../model/mirror.ts';

/** undefined = nothing is known. */
export function knownPushLimit({ pushLimit = null }: Pick<Mirror, 'pushLimit'>, now: number): PushLimit | undefined {
  return pushLimit === null || now - pushLimit.learnedAt > serviceLimits.pushLimitMs
    ? undefined
    : { bytes: pushLimit.bytes, reason: pushLimit.reason };
}

/** undefined = nothing has changed. A run that came to its end had time enough: what was learned of time is forgotten. */
export function pushLimitAfter(
  mirror: Pick<Mirror, 'pushLimit'>,
  { push_limit: learned, outcome }: Pick<RunOutcome, 'push_limit' | 'outcome'>,
  now: number,
): PushLimitState | null | undefined {
  const before = knownPushLimit(mirror, now);
  if (outcome === 'success' && (learned ?? before)?.reason === 'time') return null;
  if (learned === undefined || (learned.bytes === before?.bytes && learned.reason === before.reason)) return undefined;
  return { ...learned, learnedAt: now };
}
