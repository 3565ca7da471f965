/** What a finished run means for its mirror: status, retries, pausing, and when the next run is due (docs/behaviour.md). Pure. */
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import { errorCatalogue } from '../../core/error-catalogue.ts';
import { limits } from '../../core/limits.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { InstanceSettings } from '../../model/instance-settings.ts';
import type { LfsState } from '../../model/lfs-state.ts';
import type { Mirror, MirrorStatus, PushLimitState, RecentDeletions } from '../../model/mirror.ts';
import type { LastError, RunSummary } from '../../model/run.ts';
import type { Release } from '../mirror-jobs.ts';
import { afterLastStart } from '../requests/request-run.ts';
import { boundedError } from './bounded-error.ts';
import { nextScheduledRun } from './next-scheduled-run.ts';

export interface FinishedRun extends RunSummary {
  /** What the host asked to wait. */
  readonly retryAfterSeconds?: number;
  /** Deletions that the guard held back; undefined = the run did not get to plan any. */
  readonly heldBackDeletions: number | undefined;
  /** What the next run has to know of LFS objects; absent = what is known stays. */
  readonly lfsState?: LfsState | null;
  /** Absent = this run deleted nothing. */
  readonly recentDeletions?: readonly RecentDeletions[];
  /** What is known now of how much the target takes in one push; absent = what is known stays. */
  readonly pushLimit?: PushLimitState | null;
  /** After a narrow run. */
  readonly ordinaryDueAt?: number;
}

export interface SettleDeps {
  readonly settings: InstanceSettings;
  readonly clock: Clock;
}

export interface Settlement {
  readonly release: Release;
  /** Set once when it starts failing, and once when it is well again. */
  readonly news: 'failing' | 'recovered' | undefined;
  /** Out of the schedule from now on. */
  readonly pauses: boolean;
}

const retries = { shortestMs: 30_000, longestMs: 15 * 60_000 };
/** Both must be reached. */
const pauseAfter = { failedRuns: 14, spanMs: 24 * 3600_000 };

const isDone: ReadonlySet<string> = new Set(['created', 'updated', 'forced', 'deleted']);

/** What the worker leaves behind after a run that came to its end. `mirror` as it was when the run took the lease. */
export function settleRun(mirror: Mirror, run: FinishedRun, deps: SettleDeps): Settlement {
  const { error } = run;
  const mayRetry = error !== null && errorCatalogue[error.code].disposition === 'retry';
  if (!mayRetry) return settled(mirror, run, statusOf(mirror, run), deps);
  // Each attempt that gets somewhere is a step towards the end: those are not counted.
  const moved = hasMoved(run);
  const sendsLess = run.pushLimit?.reason === 'time';
  if ((moved || sendsLess) && error.code === 'deadline_exceeded') return again(mirror, run, { attempts: 0, waitMs: 0 }, deps);
  const attempts = mirror.attempts + (moved ? 0 : 1);
  if (attempts >= serviceLimits.attempts) return settled(mirror, run, 'failed', deps);
  const backoff = backoffMs(Math.max(attempts - 1, 0), retries, deps.clock);
  const asked = Math.min(run.retryAfterSeconds ?? 0, limits.retryAfterSeconds) * 1000;
  return again(mirror, run, { attempts, waitMs: Math.max(backoff, asked) }, deps);
}

/** After a worker that died: counted as an attempt, and the first time tried again at once. */
export function settleInterrupted(mirror: Mirror, run: FinishedRun, deps: SettleDeps): Settlement {
  const attempts = mirror.attempts + 1;
  if (attempts >= serviceLimits.attempts) return settled(mirror, run, 'failed', deps);
  return again(mirror, run, { attempts, waitMs: attempts === 1 ? 0 : backoffMs(attempts - 2, retries, deps.clock) }, deps);
}

/** What a host that gives no answer means for the mirrors that wait for it. */
export interface HostSilence {
  readonly error: LastError;
  readonly since: number;
  /** When it is asked next. */
  readonly probeAt: number;
  readonly waiting: NonNullable<NonNullable<Release['again']>['waiting']>;
}

/** After a run that got no answer, or none at all because the host is down: no attempt is spent, and nobody is told of this one mirror. */
export function waitForHost(mirror: Mirror, run: FinishedRun | undefined, silence: HostSilence, now: number): Release {
  const { since, probeAt, waiting } = silence;
  // Who looks at a mirror that has been behind for so long should see it.
  const updateStatus = now - since >= limits.hostDownFailedMs ? 'failed' : 'to_retry';
  const ofRun = run === undefined ? { lastUpdateStartedAt: mirror.lastUpdateStartedAt } : commonStatus(mirror, run);
  const plain = askAgain(mirror, Math.max(probeAt, now), now);
  return {
    ...plain,
    status: { ...ofRun, updateStatus, lastError: storedError(silence.error) },
    again: { ...plain.again, waiting },
  };
}

/** After a run that was ended from inside (shutdown, silent mode): asked for again as if it had not been, whatever it has moved. */
export function askAgain(mirror: Mirror, startAt: number, now: number): Release & { readonly again: NonNullable<Release['again']> } {
  const { updateStatus, lastUpdateStartedAt } = mirror;
  return {
    status: { updateStatus, lastUpdateStartedAt },
    now,
    nextDueAt: startAt,
    followUpAt: startAt,
    again: { startAt, trigger: triggerOf(mirror), confirmDeletions: mirror.runConfirmDeletions, since: mirror.runRequestedAt ?? now },
  };
}

export function hasMoved({ counts, lfs, slices = 0 }: Pick<RunSummary, 'counts' | 'lfs' | 'slices'>): boolean {
  return slices > 0 || (lfs?.moved ?? 0) > 0 || Object.entries(counts).some(([result, count]) => isDone.has(result) && count > 0);
}

/** Nothing to retry. For push mirrors any ref left behind is a failure, for pull mirrors only the default branch is (GitLab's rule). */
function statusOf({ direction }: Mirror, { outcome, error }: FinishedRun): 'finished' | 'failed' {
  // Nothing to mirror is nobody's failure: the run says so, and that is all.
  if (outcome === 'success' || (outcome === 'partial' && error?.code === 'source_empty')) return 'finished';
  if (outcome === 'failed' || direction === 'push') return 'failed';
  const isPartial = error === null || errorCatalogue[error.code].disposition === 'partial';
  return isPartial && error?.code !== 'default_branch_diverged' ? 'finished' : 'failed';
}

function settled(mirror: Mirror, run: FinishedRun, updateStatus: 'finished' | 'failed', deps: SettleDeps): Settlement {
  const now = run.finishedAt;
  const failedRuns = run.outcome === 'failed' ? mirror.failedRuns + 1 : 0;
  const failingSince = failedRuns === 0 ? null : (mirror.failingSince ?? now);
  const pauses = failedRuns >= pauseAfter.failedRuns && failingSince !== null && now - failingSince >= pauseAfter.spanMs;
  const failing = updateStatus === 'failed';
  const status: Partial<MirrorStatus> = {
    ...commonStatus(mirror, run),
    updateStatus,
    lastError: failing ? storedError(run.error) : null,
    ...(failing ? {} : { lastSuccessfulUpdateAt: now }),
    attempts: 0,
    failedRuns,
    failingSince,
    failing,
    ...(pauses ? { paused: true } : {}),
  };
  const release = {
    status,
    now,
    nextDueAt: pauses
      ? null
      : Math.min(nextScheduledRun(mirror.direction, { now, failedRuns }, deps), run.ordinaryDueAt ?? Number.POSITIVE_INFINITY),
    followUpAt: followUpAt(run, deps),
  };
  const wasFailing = mirror.failing === true;
  return { release, news: failing === wasFailing ? undefined : failing ? 'failing' : 'recovered', pauses };
}

function again(
  mirror: Mirror,
  run: FinishedRun,
  { attempts, waitMs }: { readonly attempts: number; readonly waitMs: number },
  deps: SettleDeps,
): Settlement {
  const startAt = run.finishedAt + waitMs;
  const status = { ...commonStatus(mirror, run), updateStatus: 'to_retry', lastError: storedError(run.error), attempts } as const;
  const release = {
    status,
    now: run.finishedAt,
    nextDueAt: startAt,
    followUpAt: followUpAt(run, deps),
    again: { startAt, trigger: { ...run.trigger, retry: true as const }, confirmDeletions: mirror.runConfirmDeletions },
  };
  return { release, news: undefined, pauses: false };
}

function commonStatus(mirror: Mirror, run: FinishedRun): Partial<MirrorStatus> {
  const { retryAfterSeconds: _, heldBackDeletions, lfsState, pushLimit, recentDeletions, ordinaryDueAt: __, ...summary } = run;
  return {
    lastUpdateAt: run.finishedAt,
    lastRun: {
      ...summary,
      error: run.error === null ? null : boundedError(run.error, serviceLimits.lastRunErrorBytes),
      notes: run.notes.slice(0, 10),
    },
    heldBackDeletions: heldBackDeletions ?? mirror.heldBackDeletions,
    ...(lfsState === undefined ? {} : { lfsState }),
    ...(pushLimit === undefined ? {} : { pushLimit }),
    ...(recentDeletions === undefined ? {} : { recentDeletions }),
  };
}

/** A run that was asked for during this one keeps its distance to it. */
function followUpAt({ startedAt, finishedAt }: FinishedRun, { settings }: SettleDeps): number {
  return afterLastStart({ lastUpdateStartedAt: startedAt }, finishedAt, settings.pushMinIntervalSeconds * 1000);
}

export function triggerOf({ runTrigger }: Mirror): RunSummary['trigger'] {
  return runTrigger ?? { kind: 'schedule', who: '' };
}

function storedError(error: LastError | null): LastError | null {
  return error === null ? null : boundedError(error, serviceLimits.lastErrorBytes);
}
