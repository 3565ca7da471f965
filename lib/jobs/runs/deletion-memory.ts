/** What the deletion guard has to know of earlier runs: deletions of the last 24 hours, so that many small ones count as one large one. */
import { serviceLimits } from '../../core/service-limits.ts';
import type { RunOutcome } from '../../mirror/outcome.ts';
import type { MirrorRules } from '../../mirror/rules.ts';
import type { Mirror, RecentDeletions } from '../../model/mirror.ts';

const hourMs = 3600_000;

/** undefined = none. */
export function earlierDeletionsOf({ recentDeletions }: Pick<Mirror, 'recentDeletions'>, now: number): MirrorRules['earlierDeletions'] {
  const recent = still(recentDeletions ?? [], now);
  if (recent.length === 0) return undefined;
  return { count: recent.reduce((sum, { count }) => sum + count, 0), of: Math.max(...recent.map(({ of }) => of)) };
}

/** undefined = nothing has changed. What a person confirmed is not held against later deletions. */
export function deletionsAfter(
  { recentDeletions, runConfirmDeletions }: Pick<Mirror, 'recentDeletions' | 'runConfirmDeletions'>,
  { counts, deletions_of: of = 0 }: Pick<RunOutcome, 'counts' | 'deletions_of'>,
  now: number,
): readonly RecentDeletions[] | undefined {
  const count = counts.deleted;
  if (count === 0) return undefined;
  const before = recentDeletions ?? [];
  if (runConfirmDeletions) return before.length === 0 ? undefined : [];
  const recent = still(before, now);
  const last = recent.at(-1);
  // One entry an hour at most: the mirror's item is written with every heartbeat.
  if (last === undefined || now - last.at > hourMs) return [...recent, { at: now, count, of }];
  return [...recent.slice(0, -1), { at: last.at, count: last.count + count, of: Math.max(last.of, of) }];
}

function still(recent: readonly RecentDeletions[], now: number): readonly RecentDeletions[] {
  return recent.filter(({ at }) => now - at < serviceLimits.deletionsMs + hourMs);
}
