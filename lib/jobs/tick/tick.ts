/** The tick: once a minute, looks at all that is due, starts scheduled runs, sends lost messages again, and finds leases whose holders are dead. */
import type { Clock } from '../../core/clock.ts';
import type { Deadline } from '../../core/deadline.ts';
import { GitferryError, toGitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Log, LogFields } from '../../core/log.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { InstanceSettings } from '../../model/instance-settings.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { NoticeOutbox } from '../../model/notice.ts';
import type { Records } from '../../model/records.ts';
import { forEachConcurrently } from '../for-each-concurrently.ts';
import { runsPerHost } from '../hosts/host-places.ts';
import type { DueHost, Hosts } from '../hosts/hosts.ts';
import { lookAtHost } from '../hosts/look-at-host.ts';
import { type DueMirror, type DueNotice, dueShards, type MirrorJobs } from '../mirror-jobs.ts';
import type { JobQueue } from '../requests/job-queue.ts';
import { wakeUpFor } from '../requests/wake-up.ts';
import { WakeUpBatch } from '../requests/wake-up-batch.ts';
import { leaveNews, noNews } from '../runs/leave-news.ts';
import { interruptedRun, runIdOf, runRecord } from '../runs/run-record.ts';
import { type FinishedRun, type Settlement, settleInterrupted } from '../runs/settle-run.ts';
import { allMissed, compareMissed } from './missed-events.ts';
import { nameOfDue } from './name-of-due.ts';

export interface TickDeps {
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly records: Pick<Records, 'runs' | 'settings' | 'hooks' | 'ticks'>;
  readonly hosts: Hosts;
  readonly clock: Clock;
  readonly log: Log;
  /** Where people are told; absent = nobody is. */
  readonly outbox?: NoticeOutbox;
  /** As in lib/jobs/runs/run-job.ts. */
  readonly workers?: number;
}

export interface TickInput {
  /** EventBridge's time, milliseconds since 1970. */
  readonly time: number;
  /** Of the invocation; the tick ends before it. */
  readonly deadline: Deadline;
  /** Which partitions of the index to look at, where several invocations share a tick; all without it. */
  readonly shards?: readonly number[];
  /** Events may have been lost: this service was not there, or turned some away. */
  readonly eventsMissed?: boolean;
}

/** What EventBridge was told to say of a tick's part: numbers of shards. What is not that means all: a tick too many does no harm, a missing one does. */
export function shardsOf(value: unknown): readonly number[] {
  const all = Array.from({ length: dueShards }, (_, shard) => shard);
  const isList = Array.isArray(value) && value.length > 0 && value.every((shard) => all.includes(shard));
  return isList ? [...new Set(value as number[])] : all;
}

/** What was decided, and how often. */
export type TickDecision =
  | 'started'
  | 'resent'
  | 'hosts_seen'
  | 'notices_sent'
  | 'leases_seen'
  | 'leases_broken'
  | 'retired'
  | 'left'
  | 'changed'
  | 'failed';

export interface TickSummary extends Readonly<Record<TickDecision, number>> {
  /** Mirrors and hosts that were looked at. */
  readonly due: number;
  /** Messages that could not be sent: later ticks do. */
  readonly unsent: number;
  /** false = time was up; the next tick goes on with the oldest. */
  readonly complete: boolean;
}

const reserveMs = 3_000;
const longestResendWaitMs = 3600_000;
/** Mirrors of one shard that are seen to at once. */
const concurrency = 8;

/** Never rejects for a mirror: one that cannot be seen to does not keep the others waiting. Throws `storage_unavailable` if nothing can be read. */
export async function tick(input: TickInput, deps: TickDeps): Promise<TickSummary> {
  const settings = await deps.records.settings.get({ fresh: true });
  const ticking = new Tick(input, settings, deps);
  const summary = await ticking.run();
  if (!settings.silentModeEnabled) await ticking.compareMissed(input.eventsMissed ?? false);
  deps.log.write(summary.complete && summary.failed === 0 ? 'info' : 'warn', 'tick', { ...summary });
  return summary;
}

/** A mirror under way is looked at within a day, whatever else it waits for. */
const everyDueMs = 24 * 3600_000;

/** Takes every lease away, for a service on one machine that is started anew: whoever held one has died. Resolves with how many. */
export async function breakAllLeases(input: TickInput, deps: TickDeps): Promise<number> {
  return new Tick(input, await deps.records.settings.get({ fresh: true }), deps).breakAll();
}

class Tick {
  readonly #time: number;
  readonly #settings: InstanceSettings;
  readonly #deps: TickDeps;
  readonly #wakeUps: WakeUpBatch;
  readonly #startedAt = performance.now();
  readonly #deadline: Deadline;
  readonly #shards: readonly number[];
  readonly #counts: Record<TickDecision, number> = {
    started: 0,
    resent: 0,
    hosts_seen: 0,
    notices_sent: 0,
    leases_seen: 0,
    leases_broken: 0,
    retired: 0,
    left: 0,
    changed: 0,
    failed: 0,
  };
  #due = 0;
  #complete = true;

  constructor({ time, deadline, shards }: TickInput, settings: InstanceSettings, deps: TickDeps) {
    this.#time = time;
    this.#deadline = deadline;
    this.#shards = shardsOf(shards);
    this.#settings = settings;
    this.#deps = deps;
    this.#wakeUps = new WakeUpBatch(deps.queue);
  }

  async run(): Promise<TickSummary> {
    const shards = await Promise.allSettled(this.#shards.map((shard) => this.#seeToShard(shard)));
    const unsent = await this.#wakeUps.flush();
    const broken = shards.filter((shard) => shard.status === 'rejected');
    // The table is out of reach: whoever called should know, and the next tick tries again.
    if (broken.length === this.#shards.length) throw broken[0]?.reason;
    for (const { reason } of broken) this.#failed(toGitferryError(reason), {});
    return { due: this.#due, ...this.#counts, unsent, complete: this.#complete && broken.length === 0 };
  }

  /** After all that is due: what is left waits for the next tick. */
  async compareMissed(eventsMissed: boolean): Promise<void> {
    const { records, clock, log } = this.#deps;
    const part = Math.min(...this.#shards);
    const now = clock.now();
    const gapMs = eventsMissed ? 0 : limits.tickGapMs;
    const { missed, awaySince } = await records.ticks.note(part, { now, gapMs, missed: allMissed(this.#shards, now) });
    if (awaySince !== null) log.write('warn', 'events_missed', { since: new Date(awaySince).toISOString() });
    if (missed === null) return;
    const left = await compareMissed(missed, this.#shards, () => this.#isTimeUp(), this.#deps);
    await records.ticks.leaveMissed(part, missed, left);
  }

  async #seeToShard(shard: number): Promise<void> {
    await forEachConcurrently(this.#deps.jobs.due(shard, this.#deps.clock.now()), concurrency, async (due) => {
      if (this.#isTimeUp()) {
        this.#complete = false;
        return 'stop';
      }
      this.#due++;
      try {
        this.#counts[await this.#decide(due)]++;
      } catch (error) {
        this.#failed(toGitferryError(error), nameOfDue(due));
      }
      return 'go on';
    });
  }

  /** Every lease that the index has, whatever its beat. */
  async breakAll(): Promise<number> {
    const { jobs, clock } = this.#deps;
    for (const shard of this.#shards) {
      for await (const mirror of jobs.due(shard, clock.now() + everyDueMs)) {
        if ('projectId' in mirror && mirror.leaseToken !== null) this.#counts[await this.#breakLease(mirror)]++;
      }
    }
    await this.#wakeUps.flush();
    return this.#counts.leases_broken;
  }

  #isTimeUp(): boolean {
    return performance.now() - this.#startedAt > serviceLimits.tickMs || this.#deadline.remainingMs() < reserveMs;
  }

  /** Exactly one decision; `changed` = the mirror is not any more what it was when it was read, and the next tick sees. */
  async #decide(mirror: DueMirror | DueHost | DueNotice): Promise<TickDecision> {
    if ('outbox' in mirror) return this.#tellAgain(mirror);
    if ('host' in mirror) return this.#lookAtHost(mirror);
    if (mirror.leaseToken !== null) return this.#judgeLease(mirror);
    if (!mirror.enabled || mirror.paused) return (await this.#deps.jobs.retire(mirror)) ? 'retired' : 'changed';
    if (this.#settings.silentModeEnabled) return 'left';
    return mirror.queuedAt === null ? this.#start(mirror) : this.#sendAgain(mirror);
  }

  async #tellAgain({ outbox: key, dueAt }: DueNotice): Promise<TickDecision> {
    const { outbox } = this.#deps;
    if (outbox === undefined) return 'left';
    return (await outbox.again(key, dueAt)) ? 'notices_sent' : 'changed';
  }

  async #lookAtHost(due: DueHost): Promise<TickDecision> {
    if (this.#settings.silentModeEnabled) return 'left';
    const limit = runsPerHost(this.#settings, this.#deps.workers);
    return (await lookAtHost(due, limit, this.#deps)) ? 'hosts_seen' : 'changed';
  }

  async #start(mirror: DueMirror): Promise<TickDecision> {
    const now = this.#deps.clock.now();
    if (!(await this.#deps.jobs.startScheduled(mirror, { now, startAt: now }))) return 'changed';
    await this.#wakeUps.add(wakeUpFor(mirror, now, now));
    return 'started';
  }

  async #sendAgain(mirror: DueMirror): Promise<TickDecision> {
    const now = this.#deps.clock.now();
    const waitMs = Math.min(Math.max(mirror.resendWaitMs * 2, serviceLimits.graceMs), longestResendWaitMs);
    if (!(await this.#deps.jobs.noteResent(mirror, { now, waitMs }))) return 'changed';
    await this.#wakeUps.add(wakeUpFor(mirror, now, now));
    return 'resent';
  }

  async #judgeLease(mirror: DueMirror): Promise<TickDecision> {
    const now = this.#deps.clock.now();
    const { seen } = mirror;
    const isSame = seen !== null && seen.leaseToken === mirror.leaseToken && seen.leaseBeat === mirror.leaseBeat;
    // By the times that EventBridge says, and really: ticks can come late. Times in the future are those of a clock that has jumped.
    const isOld = seen !== null && this.#time - seen.at >= serviceLimits.deadAfterMs && now - seen.lookedAt >= serviceLimits.deadAfterMs;
    if (isSame && isOld) return this.#breakLease(mirror);
    // Seen in this very minute already: the later look would start the wait anew.
    if (isSame && seen.at <= this.#time && seen.lookedAt <= now) return 'left';
    const noted = await this.#deps.jobs.noteLease(mirror, { tick: this.#time, now, dueAt: now + serviceLimits.deadAfterMs });
    return noted ? 'leases_seen' : 'changed';
  }

  async #breakLease(due: DueMirror): Promise<TickDecision> {
    const { jobs, clock, log, outbox } = this.#deps;
    let news = noNews;
    let broken: { readonly settlement: Settlement; readonly run: FinishedRun } | undefined;
    const mirror = await jobs.breakLease(due, async (current) => {
      const run = runThatDied(current, due, clock.now());
      broken = { run, settlement: settleInterrupted(current, run, { settings: this.#settings, clock }) };
      // While the lease is there: a tick that dies now leaves all to the next, and record and notices get the same ids.
      await this.#record(current, run);
      const { release } = broken.settlement;
      if (outbox === undefined) return release;
      const settled = { mirror: current, run, settlement: broken.settlement, project: undefined, leaseToken: current.leaseToken ?? '' };
      news = await leaveNews(settled, outbox);
      return { ...release, status: { ...release.status, ...news.status } };
    });
    if (mirror === undefined || broken === undefined) return 'changed';
    await outbox?.wake(news.ids);
    const { run, settlement } = broken;
    const fields = { project: due.projectId, mirror: due.mirror, run: run.id, code: run.error?.code };
    log.write('warn', 'lease_broken', { ...fields, attempts: mirror.attempts + 1 });
    if (settlement.news === 'failing') log.write('warn', 'mirror_failing', fields);
    if (settlement.pauses) log.write('warn', 'mirror_paused', fields);
    const { release } = settlement;
    const isQueued = release.again !== undefined || mirror.requestedSeq > mirror.startedSeq;
    if (isQueued && !settlement.pauses && !this.#settings.silentModeEnabled) {
      await this.#wakeUps.add(wakeUpFor(due, release.again?.startAt ?? release.followUpAt, clock.now()));
    }
    return 'leases_broken';
  }

  /** The record is worth less than the repetition: what cannot be written is left out. */
  async #record({ id, projectId, mirror }: Mirror, run: FinishedRun): Promise<void> {
    const { records, log } = this.#deps;
    await records.runs.putIfAbsent(id, await runRecord(run, { refs: [], lfs: null }, plain)).catch((error: unknown) => {
      const { message } = toGitferryError(error);
      log.write('error', 'run_not_recorded', { project: projectId, mirror, run: run.id, code: run.error?.code, message });
    });
  }

  #failed(error: GitferryError, key: LogFields): void {
    this.#counts.failed++;
    this.#deps.log.write('error', 'tick_failed', { ...key, code: error.code, message: error.message });
  }
}

const plain = { redact: (text: string) => text };

/** Whichever tick says it, the run has the same id. */
function runThatDied(mirror: Mirror, { seen }: DueMirror, finishedAt: number): FinishedRun {
  const { code, message, hint } = new GitferryError('run_interrupted');
  // One that died before it began has the start of the run before.
  const begunAt = mirror.updateStatus === 'started' ? mirror.lastUpdateStartedAt : seen?.lookedAt;
  const startedAt = begunAt ?? finishedAt;
  return interruptedRun(mirror, runIdOf(startedAt, mirror.leaseToken ?? ''), { startedAt, finishedAt }, { code, message, hint });
}
