/** Asks for updates: one write a mirror, merged with what waits or runs already, and a message where none is under way. */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import { defaultInstanceSettings, type InstanceSettings } from '../../model/instance-settings.ts';
import type { Mirror, MirrorKey } from '../../model/mirror.ts';
import type { SettingsRecords } from '../../model/records.ts';
import type { Trigger } from '../../model/run.ts';
import type { MirrorJobs } from '../mirror-jobs.ts';
import type { JobQueue, WakeUp } from './job-queue.ts';
import { wakeUpFor } from './wake-up.ts';

export interface RequestDeps {
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly settings: SettingsRecords;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunRequest {
  readonly trigger: Trigger;
  /** Lets the next run's deletions pass the deletion guard. */
  readonly confirmDeletions?: boolean;
  /** All that an event names, by full name; without it, any ref may have moved. */
  readonly refs?: readonly string[] | undefined;
  /** Also a paused mirror, which is then no longer paused. */
  readonly resume?: boolean;
  /** Milliseconds since 1970; without it at once, but for the least interval between two runs that an event asks for. */
  readonly startAt?: number;
}

/** `merged` = a run that has not started yet, or one after the present run, will see to it; `ignored` = no such mirror, disabled or paused. */
export type RequestAnswer = 'queued' | 'merged' | 'ignored';

/**
 * Records a request for each of these mirrors, at once, and sends the messages in batches. A message that cannot be sent is the tick's business and
 * never undoes a request. Throws `storage_unavailable` if a request could not be recorded; those that could are carried out all the same.
 */
export async function requestRuns(keys: readonly MirrorKey[], request: RunRequest, deps: RequestDeps): Promise<readonly RequestAnswer[]> {
  const { jobs, queue, clock, log } = deps;
  const { trigger, confirmDeletions = false, resume = false } = request;
  const now = clock.now();
  const settings = await readSettings(deps);
  const pushMinIntervalMs = settings.pushMinIntervalSeconds * 1000;
  const startAt = request.startAt ?? now;
  const isEvent = trigger.kind === 'event' && request.startAt === undefined;
  const grace = isEvent ? serviceLimits.graceMs + pushMinIntervalMs : serviceLimits.graceMs;
  const results = await Promise.allSettled(
    keys.map((key) => jobs.request(key, { trigger, now, startAt, confirmDeletions, resume, graceMs: grace, ...kept(request.refs) })),
  );
  const wakeUps = keys.flatMap((key, index) => {
    const result = results[index];
    if (result?.status !== 'fulfilled' || result.value === undefined || !needsMessage(result.value)) return [];
    return wakeUpFor(key, isEvent ? afterLastStart(result.value, now, pushMinIntervalMs) : startAt, now);
  });
  if (resume) wakeUps.push(...(await broughtForward(keys, results, { startAt, now }, jobs)));
  const unsent = wakeUps.length === 0 ? [] : await queue.send(wakeUps);
  const answers = results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    if (result.value === undefined) return 'ignored';
    return needsMessage(result.value) ? 'queued' : 'merged';
  });
  for (const [index, { projectId, mirror }] of keys.entries()) {
    log.write('info', 'run_requested', { project: projectId, mirror, by: trigger.kind, who: trigger.who, answer: answers[index] });
  }
  if (unsent.length > 0) log.write('warn', 'requests_left_to_the_tick', { count: unsent.length });
  return answers;
}

/** The names, if there are few. */
function kept(refs: readonly string[] | undefined): { readonly refs?: readonly string[] } {
  if (refs === undefined || refs.length === 0 || refs.length > serviceLimits.eventRefs) return {};
  return Buffer.byteLength(refs.join('')) > serviceLimits.eventRefBytes ? {} : { refs };
}

/** Wake-ups for those whose request waited for later (a retry's backoff): something about them was put right. */
async function broughtForward(
  keys: readonly MirrorKey[],
  results: readonly PromiseSettledResult<Mirror | undefined>[],
  at: { readonly startAt: number; readonly now: number },
  jobs: Pick<MirrorJobs, 'expedite'>,
): Promise<readonly WakeUp[]> {
  const waiting = keys.filter((_, index) => {
    const result = results[index];
    const before = result?.status === 'fulfilled' ? result.value : undefined;
    return before !== undefined && !needsMessage(before) && before.leaseToken === null && (before.queuedFor ?? 0) > at.startAt;
  });
  const moved = await Promise.all(waiting.map(async (key) => ((await jobs.expedite(key, at)) ? wakeUpFor(key, at.startAt, at.now) : [])));
  return moved.flat();
}

/** Whether nothing would start the run by itself. */
function needsMessage(before: Mirror): boolean {
  return before.queuedAt === null && before.leaseToken === null;
}

/** When the next run may start, `intervalMs` after the start of the last one. Never further away than that: clocks jump. */
export function afterLastStart({ lastUpdateStartedAt }: Pick<Mirror, 'lastUpdateStartedAt'>, now: number, intervalMs: number): number {
  if (lastUpdateStartedAt === null || lastUpdateStartedAt > now) return now;
  return Math.max(now, lastUpdateStartedAt + intervalMs);
}

/** A request is worth more than the settings: where they cannot be read, the defaults hold. */
async function readSettings({ settings }: RequestDeps): Promise<InstanceSettings> {
  return settings.get().catch(() => defaultInstanceSettings);
}

export interface UpdateNow {
  /** Who asks, for the record. */
  readonly who: string;
  readonly confirmDeletions: boolean;
}

export interface UpdateNowAnswer {
  readonly status: 'queued' | 'scheduled' | 'running' | 'disabled';
  /** Milliseconds since 1970. `running`: the earliest start of the run after the present one. null = it will not run. */
  readonly nextRunAt: number | null;
}

/**
 * Asks for a run and un-pauses the mirror. A request that waits for later (a retry's backoff) is brought forward. undefined = there is no such mirror.
 * Throws `storage_unavailable`; where only the message could not be sent, the tick sends it.
 */
export async function updateNow(
  key: MirrorKey,
  { who, confirmDeletions }: UpdateNow,
  deps: RequestDeps,
): Promise<UpdateNowAnswer | undefined> {
  const { jobs, settings, clock, log } = deps;
  const mirror = await jobs.get(key);
  if (mirror === undefined) return undefined;
  const { pullMinIntervalSeconds, pushMinIntervalSeconds } = await settings.get();
  const now = clock.now();
  const startAt = restedAt(mirror, now, pullMinIntervalSeconds * 1000);
  const trigger = { kind: 'manual', who } as const;
  const before = mirror.enabled ? await jobs.request(key, { trigger, now, startAt, confirmDeletions, resume: true }) : undefined;
  if (before === undefined) {
    // Disabled, also in this very moment, or gone by now.
    return mirror.enabled && (await jobs.get(key)) === undefined ? undefined : { status: 'disabled', nextRunAt: null };
  }
  const answer = await answerTo(key, before, startAt, now, pushMinIntervalSeconds * 1000, deps);
  log.write('info', 'update_now', { project: key.projectId, mirror: key.mirror, who, answer: answer.status });
  return answer;
}

async function answerTo(
  key: MirrorKey,
  before: Mirror,
  startAt: number,
  now: number,
  pushMinIntervalMs: number,
  { jobs, queue }: RequestDeps,
): Promise<UpdateNowAnswer> {
  const willStart = (at: number): UpdateNowAnswer => ({ status: at > now ? 'scheduled' : 'queued', nextRunAt: Math.max(at, now) });
  if (before.leaseToken !== null) return { status: 'running', nextRunAt: afterLastStart(before, now, pushMinIntervalMs) };
  const queuedFor = before.queuedFor ?? startAt;
  const isSooner = !needsMessage(before) && queuedFor > startAt && (await jobs.expedite(key, { startAt, now }));
  const isOverdue = before.queuedAt !== null && Math.max(queuedFor, before.queuedAt) + serviceLimits.overdueMs < now;
  if (needsMessage(before) || isSooner || isOverdue) {
    await queue.send(wakeUpFor(key, startAt, now));
    return willStart(startAt);
  }
  // What was to start later and could not be brought forward has started in this very moment.
  return willStart(queuedFor > startAt ? now : queuedFor);
}

/** When a pull mirror has rested long enough since the end of its last update. One whose settings were changed since has no status and need not rest. */
function restedAt({ direction, lastUpdateAt, updateStatus }: Mirror, now: number, restMs: number): number {
  if (direction === 'push' || lastUpdateAt === null || updateStatus === 'none' || lastUpdateAt > now) return now;
  return Math.max(now, lastUpdateAt + restMs);
}
