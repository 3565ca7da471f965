/** Carries out what a queue message asks for: takes the lease, finds room at the hosts, runs, records, settles, gives the lease back. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { createDeadline, type Deadline } from '../core/deadline.ts';
import { GitferryError, toGitferryError } from '../core/errors.ts';
import type { Log, LogFields } from '../core/log.ts';
import type { InstanceSettings } from '../model/instance-settings.ts';
import type { Mirror, MirrorKey } from '../model/mirror.ts';
import type { Project } from '../model/project.ts';
import type { Records } from '../model/records.ts';
import { type Heartbeat, type HeartbeatTiming, heartbeatTiming, startHeartbeat } from './heartbeat.ts';
import { runsPerHost, takeHostPlaces } from './host-places.ts';
import type { HostSlots } from './host-slots.ts';
import type { JobQueue } from './job-queue.ts';
import type { MirrorJobs, Release } from './mirror-jobs.ts';
import { knownPushLimit } from './push-limit-memory.ts';
import { activityOf, finishedRun, runIdOf, runRecord } from './run-record.ts';
import type { RunSyncInput, SyncedRun } from './run-sync.ts';
import { askAgain, type FinishedRun, hasMoved, settleRun } from './settle-run.ts';
import { silentHooks } from './silent-hooks.ts';
import { wakeUpFor } from './wake-up.ts';

export interface RunJobDeps {
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly slots: HostSlots;
  readonly records: Pick<Records, 'projects' | 'runs' | 'activity' | 'hooks' | 'settings'>;
  /** One run (lib/jobs/run-sync.ts). Never rejects. */
  sync(input: RunSyncInput, deadline: Deadline): Promise<SyncedRun>;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeat?: HeartbeatTiming;
  /** Runs at once on all workers together; without it, as many as the settings allow go to one host. */
  readonly workers?: number;
}

/**
 * `done` = nothing is left to do for this mirror; `queued` = a further run is, and a message was sent for it; `nothing` = the message was not needed (any
 * more), or waits for the end of silent mode; `lost` = the lease was lost on the way, and nothing was recorded.
 */
export type JobAnswer = 'done' | 'queued' | 'nothing' | 'lost';

/** What is kept of the invocation's time for recording and giving back, when a run is ended for lack of it. */
const reserveMs = 30_000;
/** How long a run waits that found no room at a host: one that is next at a place, which may stand empty meanwhile, and one that has to be lucky. */
const noRoom = { promised: { shortestMs: 1_000, spanMs: 2_000 }, full: { shortestMs: 2_000, spanMs: 8_000 } } as const;
const writeRetries = { shortestMs: 250, longestMs: 10_000 };
/** Each of four tries by the SDK. */
const recordAttempts = 4;
/** Reasons to end a run that say nothing about the mirror. */
const notItsFault: ReadonlySet<string> = new Set(['silent_mode', 'run_interrupted']);

/** Throws `storage_unavailable` where the mirror could not be read, or not even be begun with: only then the message should come again. */
export async function runJob(key: MirrorKey, { deadline }: { readonly deadline: Deadline }, deps: RunJobDeps): Promise<JobAnswer> {
  const settings = await deps.records.settings.get({ fresh: true });
  if (settings.silentModeEnabled) {
    deps.log.write('info', 'run_waits_for_silent_mode', { project: key.projectId, mirror: key.mirror });
    return 'nothing';
  }
  const token = randomUUID();
  const mirror = await deps.jobs.acquire(key, { token, now: deps.clock.now() });
  // Somebody else has it, or it is done, disabled, paused or gone: the message is forgotten.
  if (mirror === undefined) return 'nothing';
  return new Job(mirror, token, settings, deadline, deps).carryOut();
}

class Job {
  readonly #mirror: Mirror;
  readonly #token: string;
  readonly #settings: InstanceSettings;
  readonly #deps: RunJobDeps;
  readonly #invocation: Deadline;
  /** Ends before the invocation does. */
  readonly #deadline: Deadline;
  readonly #heartbeat: Heartbeat;

  constructor(mirror: Mirror, token: string, settings: InstanceSettings, invocation: Deadline, deps: RunJobDeps) {
    this.#mirror = mirror;
    this.#token = token;
    this.#settings = settings;
    this.#invocation = invocation;
    this.#deps = deps;
    this.#deadline = createDeadline(Math.max(invocation.remainingMs() - reserveMs, invocation.remainingMs() / 2));
    const { jobs, heartbeat = heartbeatTiming } = deps;
    this.#heartbeat = startHeartbeat(
      {
        renew: () => jobs.renew(mirror, token),
        onBeat: () => void this.#heedSilentMode(),
        onLost: () => this.#deadline.abort(new GitferryError('run_interrupted')),
      },
      heartbeat,
    );
  }

  async carryOut(): Promise<JobAnswer> {
    const { signal } = this.#invocation;
    const pass = (): void => this.#deadline.abort(toGitferryError(signal.reason));
    signal.addEventListener('abort', pass, { once: true });
    if (signal.aborted) pass();
    try {
      const project = await this.#deps.records.projects.get(this.#mirror.projectId);
      // A project is deleted before its mirrors: this one is about to go.
      if (project === undefined) return await this.#release({ status: {}, now: this.#now(), nextDueAt: null, followUpAt: this.#now() });
      return await this.#runOf(project);
    } finally {
      signal.removeEventListener('abort', pass);
      this.#deadline.clear();
      await this.#heartbeat.stop();
    }
  }

  async #runOf(project: Project): Promise<JobAnswer> {
    const { jobs, slots, clock } = this.#deps;
    const mirror = this.#mirror;
    const now = this.#now();
    const holder = { key: mirror, leaseToken: this.#token, since: mirror.runRequestedAt ?? now, now };
    const places = await takeHostPlaces(
      [project.repositoryUrl, mirror.url],
      holder,
      runsPerHost(this.#settings, this.#deps.workers),
      slots,
    );
    if (typeof places === 'string') {
      this.#log('info', 'no_room_at_host', { turn: places });
      const { shortestMs, spanMs } = noRoom[places];
      return this.#release(askAgain(mirror, this.#now() + shortestMs + clock.random() * spanMs, this.#now()));
    }
    const startedAt = this.#now();
    let synced: SyncedRun;
    let hasBegun: boolean;
    try {
      // Both ends are listed meanwhile; nothing is written before.
      const begun = jobs.begin(mirror, this.#token, startedAt);
      const mayWrite = begun.then((isOurs) => {
        if (!isOurs) throw new GitferryError('run_interrupted');
      });
      mayWrite.catch((error: unknown) => this.#deadline.abort(toGitferryError(error)));
      synced = await this.#deps.sync({ ...this.#syncInput(project), mayWrite }, this.#deadline);
      hasBegun = await begun;
    } finally {
      await places.free();
    }
    if (!hasBegun || this.#heartbeat.isLost) return await this.#lost();
    const id = runIdOf(startedAt, this.#token);
    return this.#settle(project, finishedRun(mirror, id, { startedAt, finishedAt: this.#now() }, synced.outcome), synced);
  }

  #syncInput(project: Project): RunSyncInput {
    const { runConfirmDeletions: confirmDeletions, heldBackDeletions } = this.#mirror;
    // What was held back once is not let through because its share has become smaller since.
    const maxDeletionsPercent = heldBackDeletions > 0 ? 0 : this.#settings.maxDeletionsPercent;
    const pushLimit = knownPushLimit(this.#mirror, this.#now());
    return { mirror: this.#mirror, project, dryRun: false, confirmDeletions, maxDeletionsPercent, pushLimit };
  }

  async #settle(project: Project, run: FinishedRun, synced: SyncedRun): Promise<JobAnswer> {
    const mirror = this.#mirror;
    const isOwnFault = !notItsFault.has(run.error?.code ?? '');
    if (isOwnFault || hasMoved(run)) await this.#record(project, run, synced);
    const { message, code } = run.error ?? {};
    this.#log(
      run.outcome === 'success' ? 'info' : 'warn',
      'run_finished',
      {
        run: run.id,
        outcome: run.outcome,
        code,
        message,
        bytes: run.bytes,
        ms: run.finishedAt - run.startedAt,
        since_request_ms: run.finishedAt - (mirror.runRequestedAt ?? run.startedAt),
        by: run.trigger.kind,
      },
      synced,
    );
    if (!isOwnFault) return this.#release(askAgain(mirror, this.#now(), this.#now()), { silent: code === 'silent_mode' });
    const { release, news, pauses } = settleRun(mirror, run, { settings: this.#settings, clock: this.#deps.clock });
    const answer = await this.#release(release);
    if (answer === 'lost') return answer;
    if (news === 'failing') this.#log('warn', 'mirror_failing', { run: run.id, code, message }, synced);
    if (news === 'recovered') this.#log('info', 'mirror_recovered', { run: run.id });
    if (pauses && answer === 'done') this.#log('warn', 'mirror_paused', { run: run.id, code });
    return answer;
  }

  /** The record is worth less than the result: what cannot be written now is left out. */
  async #record(project: Project, run: FinishedRun, { outcome, defaultBranch, redactor }: SyncedRun): Promise<void> {
    const { runs, activity, projects } = this.#deps.records;
    const mirror = this.#mirror;
    const moves = activityOf(mirror, run, outcome.refs);
    const isNewBranch = defaultBranch !== null && defaultBranch !== project.defaultBranch;
    // Each says the same when it is written twice.
    const writes = [
      () => runs.put(mirror.id, runRecord(run, outcome, redactor)),
      ...(moves.length === 0 ? [] : [() => activity.add(project.id, run.id, moves)]),
      ...(isNewBranch ? [() => projects.noteDefaultBranch(project.id, defaultBranch)] : []),
      ...(moves.length > 0 && run.trigger.kind === 'schedule' ? [() => this.#noteSilentHooks()] : []),
    ];
    const written = await Promise.allSettled(writes.map((write) => this.#insist<unknown>(write, recordAttempts)));
    for (const result of written) {
      if (result.status === 'rejected')
        this.#log('error', 'run_not_recorded', { run: run.id, message: toGitferryError(result.reason).message });
    }
  }

  async #noteSilentHooks(): Promise<void> {
    const { hooks } = this.#deps.records;
    const silent = silentHooks(this.#mirror, await hooks.ofProject(this.#mirror.projectId));
    await Promise.all(silent.map((hook) => hooks.noteSilent(hook, this.#now())));
    for (const { id } of silent) this.#log('warn', 'hook_silent', { hook: id });
  }

  /** Gives the lease back, trying again as long as there is time, and sends the message for a further run. */
  async #release(release: Release, { silent = false } = {}): Promise<JobAnswer> {
    const { jobs, queue } = this.#deps;
    try {
      return await this.#insist(async () => {
        const answer = await jobs.release(this.#mirror, this.#token, release);
        if (answer === 'lost') return await this.#lost();
        if (answer === 'queued' && !silent) {
          await queue.send(wakeUpFor(this.#mirror, release.again?.startAt ?? release.followUpAt, this.#now()));
        }
        return answer;
      });
    } catch (error) {
      // The tick finds the lease dead, and has the run repeated.
      this.#log('error', 'lease_not_given_back', { message: toGitferryError(error).message });
      return 'lost';
    }
  }

  /** Does it again after a failure, as long as the lease is held and there is time. Rejects with the last failure. */
  async #insist<T>(work: () => Promise<T>, most = Number.POSITIVE_INFINITY): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const waitMs = backoffMs(attempt, writeRetries, this.#deps.clock);
        if (attempt + 1 >= most || this.#heartbeat.isLost || this.#invocation.remainingMs() < waitMs * 2) throw error;
        await sleep(waitMs);
      }
    }
  }

  async #lost(): Promise<JobAnswer> {
    const mirror = await this.#deps.jobs.get(this.#mirror).catch(() => this.#mirror);
    if (mirror === undefined) this.#log('info', 'mirror_deleted_while_running', {});
    else this.#log('warn', 'lease_lost', {});
    return 'lost';
  }

  /** Nothing may leave while silent mode is on: a run under way is ended. */
  async #heedSilentMode(): Promise<void> {
    try {
      const { silentModeEnabled } = await this.#deps.records.settings.get();
      if (silentModeEnabled) this.#deadline.abort(new GitferryError('silent_mode'));
    } catch {
      // Asked again with the next beat.
    }
  }

  #now(): number {
    return this.#deps.clock.now();
  }

  #log(level: 'info' | 'warn' | 'error', event: string, fields: LogFields, synced?: SyncedRun): void {
    const { projectId, mirror, direction } = this.#mirror;
    this.#deps.log.write(level, event, { project: projectId, mirror, direction, ...fields }, synced?.redactor);
  }
}
