/** When the schedule wants a mirror's next run: reconciliation of push mirrors, the pulls of pull mirrors, spread by chance. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { InstanceSettings } from '../../model/instance-settings.ts';
import type { Mirror } from '../../model/mirror.ts';

/** Milliseconds since 1970. */
export function nextScheduledRun(
  direction: Mirror['direction'],
  { now, failedRuns }: { readonly now: number; readonly failedRuns: number },
  { settings, clock }: { readonly settings: InstanceSettings; readonly clock: Pick<Clock, 'random'> },
): number {
  // Mirrors that were made, or came back, in one moment drift apart by this.
  if (direction === 'push') return Math.round(now + settings.reconcileIntervalSeconds * 1000 * (1 - clock.random() / 10));
  const interval = settings.pullIntervalSeconds * 1000;
  if (failedRuns === 0) return Math.round(now + interval * (1 + clock.random() / 20));
  const doubled = Math.min(interval * 2 ** Math.min(failedRuns, 20), Math.max(serviceLimits.longestPullIntervalMs, interval));
  return Math.round(now + doubled * (1 - clock.random() / 5));
}
