/** Makes up for events that nobody sends again: after a time in which they may have been lost, mirrors that live by webhooks are compared, spread over minutes. */
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { Log } from '../../core/log.ts';
import type { Hook } from '../../model/hook.ts';
import type { HookRecords, MissedEvents, SettingsRecords, TickRecords } from '../../model/records.ts';
import { type DueMirror, dueShards, type MirrorJobs } from '../mirror-jobs.ts';
import type { JobQueue } from '../requests/job-queue.ts';
import { wakeUpFor } from '../requests/wake-up.ts';

export interface MissedEventsDeps {
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly records: { readonly hooks: Pick<HookRecords, 'ofProject'>; readonly settings: SettingsRecords };
  readonly clock: Clock;
  readonly log: Log;
}

/** Who asks for such a run, for its record: a schedule that says nothing about the webhook. */
export const missedEventsTrigger = { kind: 'schedule', who: 'missed events' } as const;

export function allMissed(shards: readonly number[], now: number): MissedEvents {
  return { seen: Object.fromEntries(shards.map((shard) => [String(shard), now])), next: now };
}

/** Leaves to the next ticks, however many parts they have, what somebody else has found out. */
export async function noteMissedEvents({
  ticks,
  clock,
  log,
}: {
  readonly ticks: TickRecords;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<void> {
  const shards = Array.from({ length: dueShards }, (_, shard) => shard);
  // A part takes the shards of its own of what is written there; one that there is not is never read.
  await Promise.all(shards.map((part) => ticks.setMissed(part, allMissed(shards, clock.now()))));
  log.write('warn', 'events_missed', {});
}

/**
 * Asks for a comparison of every mirror that a webhook should have told of, push mirrors first. Every enabled mirror is in the index `due`, with its next scheduled
 * run. Resolves with what is left where `isTimeUp`; null = all was asked for.
 */
export async function compareMissed(
  missed: MissedEvents,
  shards: readonly number[],
  isTimeUp: () => boolean,
  deps: MissedEventsDeps,
): Promise<MissedEvents | null> {
  const { jobs, log, clock } = deps;
  const { reconcileIntervalSeconds, pullIntervalSeconds } = await deps.records.settings.get();
  const until = clock.now() + Math.max(reconcileIntervalSeconds, pullIntervalSeconds, limits.longestPullIntervalSeconds) * 1000;
  const driven = rememberHooks(deps);
  const seen: Record<string, number> = { ...missed.seen };
  let next = Math.max(missed.next, clock.now());
  let asked = 0;
  for (const shard of shards) {
    const after = seen[shard];
    if (after === undefined) continue;
    for await (const due of jobs.due(shard, until, after)) {
      if (isTimeUp()) {
        log.write('info', 'missed_events_asked', { mirrors: asked, complete: false });
        return { seen, next };
      }
      // Others may be due at the same time: they are read again. Those that were asked for are passed over then.
      seen[shard] = due.dueAt - 1;
      if (!('projectId' in due) || !isConcerned(due) || !(await driven(due))) continue;
      await ask(due, due.direction === 'push' ? next : next + limits.missedPullsLaterMs, deps);
      next += 1000 / limits.missedPerSecond;
      asked++;
    }
    delete seen[shard];
  }
  log.write('info', 'missed_events_asked', { mirrors: asked, complete: true });
  return null;
}

async function ask(mirror: DueMirror, startAt: number, { jobs, queue, clock }: MissedEventsDeps): Promise<void> {
  const now = clock.now();
  const at = Math.round(startAt);
  const before = await jobs.request(mirror, { trigger: missedEventsTrigger, now, startAt: at, confirmDeletions: false, resume: false });
  if (before !== undefined && before.queuedAt === null && before.leaseToken === null) await queue.send(wakeUpFor(mirror, at, now));
}

/** A run that waits lists its source after this; one that is under way may have done so before. */
function isConcerned({ enabled, paused, queuedAt, leaseToken }: DueMirror): boolean {
  return enabled && !paused && (queuedAt === null || leaseToken !== null);
}

function rememberHooks({ records }: Pick<MissedEventsDeps, 'records'>): (mirror: DueMirror) => Promise<boolean> {
  const known = new Map<number, readonly Hook[]>();
  return async ({ projectId, direction }) => {
    const hooks = known.get(projectId) ?? (await records.hooks.ofProject(projectId));
    known.set(projectId, hooks);
    return isDriven(direction, hooks);
  };
}

/** Whether one of the hooks tells of what this mirror carries, or may. */
function isDriven(direction: 'push' | 'pull', hooks: readonly Pick<Hook, 'lastDeliveryOf'>[]): boolean {
  const concerned = direction === 'push' ? 'project' : 'upstream';
  return hooks.some(({ lastDeliveryOf }) => lastDeliveryOf === null || lastDeliveryOf === concerned);
}
