/** Carries out what a queue message asks for: takes the lease, finds room at the hosts, runs, records, settles, gives the lease back. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { createDeadline, type Deadline } from '../../core/deadline.ts';
import { GitferryError, toGitferryError } from '../../core/errors.ts';
import type { Log, LogFields } from '../../core/log.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { InstanceSettings } from '../../model/instance-settings.ts';
import type { Mirror, MirrorKey } from '../../model/mirror.ts';
import type { NoticeOutbox } from '../../model/notice.ts';
import type { Project } from '../../model/project.ts';
import type { Records } from '../../model/records.ts';
import { handOutPlaces } from '../hosts/hand-out.ts';
import { HostPlaces, hostsOf, type PlaceRefusal, runsPerHost } from '../hosts/host-places.ts';
import type { Hosts } from '../hosts/hosts.ts';
import type { MirrorJobs, Release } from '../mirror-jobs.ts';
import type { JobQueue } from '../requests/job-queue.ts';
import { wakeUpFor } from '../requests/wake-up.ts';
import { noteSilentHooks } from '../tick/note-silent-hooks.ts';
import { earlierDeletionsOf } from './deletion-memory.ts';
import { type Heartbeat, type HeartbeatTiming, heartbeatTiming, startHeartbeat } from './heartbeat.ts';
import { insist } from './insist.ts';
import { type LeftNews, leaveNews, leaveUpdate, noNews } from './leave-news.ts';
import { knownPushLimit } from './push-limit-memory.ts';
import { activityOf, finishedRun, movedRefs, runIdOf, runRecord } from './run-record.ts';
import type { RunSyncInput, SyncedRun } from './run-sync.ts';
import { askAgain, type FinishedRun, hasMoved, settleRun } from './settle-run.ts';
import { noteReports, waitAtHost } from './wait-at-host.ts';

export interface RunJobDeps {
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly hosts: Hosts;
  readonly records: Pick<Records, 'projects' | 'runs' | 'activity' | 'hooks' | 'settings'>;
  /** One run (lib/jobs/runs/run-sync.ts). Never rejects. */
  sync(input: RunSyncInput, deadline: Deadline): Promise<SyncedRun>;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeat?: HeartbeatTiming;
  /** Where people are told; absent = nobody is. */
  readonly outbox?: NoticeOutbox;
  /** Runs at once on all workers together; without it, as many as the settings allow go to one host. */
  readonly workers?: number;
}

/**
 * `done` = nothing is left to do for this mirror; `queued` = a further run is, and a message was sent for it, or it is called by its host's waiting list; `nothing` = the message was not needed (any
 * more), or waits for the end of silent mode; `lost` = the lease was lost on the way, and nothing was recorded.
 */
export type JobAnswer = 'done' | 'queued' | 'nothing' | 'lost';

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
    this.#deadline = createDeadline(Math.max(invocation.remainingMs() - serviceLimits.recordingMs, invocation.remainingMs() / 2));
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
    const { jobs, hosts, clock } = this.#deps;
    const mirror = this.#mirror;
    const limit = runsPerHost(this.#settings, this.#deps.workers);
    const ends = hostsOf(mirror, project);
    const places = new HostPlaces({ mirror, leaseToken: this.#token, limit }, { hosts, clock });
    const startedAt = this.#now();
    let synced: SyncedRun;
    let hasBegun: boolean;
    let left: readonly string[] = [];
    try {
      const refusal = await places.enter(ends);
      if (refusal !== undefined) return await this.#wait(refusal, places, limit);
      const { waiting } = mirror;
      // It came by itself: nobody need call it any more.
      if (waiting !== null) await hosts.leave(waiting.host, waiting.entry);
      // Both ends are listed meanwhile; nothing is written before.
      const begun = jobs.begin(mirror, this.#token, startedAt);
      const mayWrite = begun.then((isOurs) => {
        if (!isOurs) throw new GitferryError('run_interrupted');
      });
      mayWrite.catch((error: unknown) => this.#deadline.abort(toGitferryError(error)));
      const admitTarget = (sourceListed: Promise<unknown>): Promise<void> => places.admit(sourceListed);
      synced = await this.#deps.sync({ ...this.#syncInput(project), mayWrite, admitTarget }, this.#deadline);
      hasBegun = await begun;
    } finally {
      left = await places.leave();
    }
    const failed = synced.outcome.outcome === 'failed' ? synced.outcome.error?.code : undefined;
    const reports = { reports: synced.hosts ?? [], ends, failed };
    const noted = await noteReports(mirror, reports, this.#deps).catch(() => undefined);
    await this.#handOut(
      left.filter((host) => noted?.unawaited.has(host) !== true),
      limit,
    );
    if (!hasBegun || this.#heartbeat.isLost) return await this.#lost();
    if (places.refusal !== undefined && failed === 'run_interrupted') return this.#wait(places.refusal, places, limit);
    const id = runIdOf(startedAt, this.#token);
    const run = finishedRun(mirror, id, { startedAt, finishedAt: this.#now() }, synced);
    return this.#settle(project, run, synced, noted?.refusal);
  }

  /** Stands in a host's list from now on, and sees whether somebody left while it did so. */
  async #wait(refusal: PlaceRefusal, places: HostPlaces, limit: number): Promise<JobAnswer> {
    const { host } = refusal.end;
    this.#log('info', refusal.for === 'room' ? 'no_room_at_host' : 'host_gives_no_answer', { host });
    const left = await places.leave();
    const answer = await this.#release(await waitAtHost(this.#mirror, refusal, this.#deps));
    await this.#handOut([...new Set([...left, host])], limit);
    return answer;
  }

  /** The places are free in any case: what cannot be done now, the tick does. */
  async #handOut(hosts: readonly string[], limit: number): Promise<void> {
    const handedOut = await Promise.allSettled(hosts.map((host) => handOutPlaces(host, { limit }, this.#deps)));
    for (const result of handedOut) {
      if (result.status === 'rejected') this.#log('warn', 'places_not_handed_out', { message: toGitferryError(result.reason).message });
    }
  }

  #syncInput(project: Project): RunSyncInput {
    const { runConfirmDeletions: confirmDeletions, heldBackDeletions } = this.#mirror;
    // What was held back once is not let through because its share has become smaller since.
    const maxDeletionsPercent = heldBackDeletions > 0 ? 0 : this.#settings.maxDeletionsPercent;
    const earlierDeletions = earlierDeletionsOf(this.#mirror, this.#now());
    const pushLimit = knownPushLimit(this.#mirror, this.#now());
    return { mirror: this.#mirror, project, dryRun: false, confirmDeletions, maxDeletionsPercent, earlierDeletions, pushLimit };
  }

  async #settle(project: Project, run: FinishedRun, synced: SyncedRun, refusal: PlaceRefusal | undefined): Promise<JobAnswer> {
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
    if (refusal !== undefined && !hasMoved(run)) return this.#release(await waitAtHost(mirror, refusal, this.#deps, run));
    const settlement = settleRun(mirror, run, { settings: this.#settings, clock: this.#deps.clock });
    const { news, pauses } = settlement;
    const { outbox } = this.#deps;
    const tell = (): Promise<LeftNews> =>
      outbox === undefined ? Promise.resolve(noNews) : leaveNews({ mirror, run, settlement, project, leaseToken: this.#token }, outbox);
    const answer = await this.#release(settlement.release, { tell });
    if (answer === 'lost') return answer;
    if (news === 'failing') this.#log('warn', 'mirror_failing', { run: run.id, code, message }, synced);
    if (news === 'recovered') this.#log('info', 'mirror_recovered', { run: run.id });
    if (pauses && answer === 'done') this.#log('warn', 'mirror_paused', { run: run.id, code });
    return answer;
  }

  /** The record is worth less than the result: what cannot be written now is left out. */
  async #record(project: Project, run: FinishedRun, { outcome, defaultBranch, redactor }: SyncedRun): Promise<void> {
    const { records, outbox } = this.#deps;
    const { runs, activity, projects } = records;
    const mirror = this.#mirror;
    const moves = activityOf(mirror, run, outcome.refs);
    const isNewBranch = defaultBranch !== null && defaultBranch !== project.defaultBranch;
    const record = await runRecord(run, outcome, redactor);
    // Each says the same when it is written twice.
    const writes = [
      () => runs.put(mirror.id, record),
      ...(moves.length === 0 ? [] : [() => activity.add(project.id, run.id, moves)]),
      ...(outbox === undefined ? [] : [async () => outbox.wake(await leaveUpdate({ mirror, run }, movedRefs(outcome.refs), outbox))]),
      ...(isNewBranch ? [() => projects.noteDefaultBranch(project.id, defaultBranch)] : []),
      ...(moves.length > 0 && run.trigger.kind === 'schedule' && run.trigger.who === '' ? [() => noteSilentHooks(mirror, this.#deps)] : []),
    ];
    const written = await Promise.allSettled(writes.map((write) => this.#insist<unknown>(write, recordAttempts)));
    for (const result of written) {
      if (result.status === 'rejected')
        this.#log('error', 'run_not_recorded', { run: run.id, message: toGitferryError(result.reason).message });
    }
  }

  /** Gives the lease back, trying again as long as there is time, and sends the message for a further run. */
  async #release(
    release: Release,
    { silent = false, tell = async () => noNews }: { readonly silent?: boolean; readonly tell?: () => Promise<LeftNews> } = {},
  ): Promise<JobAnswer> {
    const { jobs, queue, outbox } = this.#deps;
    try {
      return await this.#insist(async () => {
        const news = await tell();
        const answer = await jobs.release(this.#mirror, this.#token, { ...release, status: { ...release.status, ...news.status } });
        if (answer === 'lost') return await this.#lost();
        await outbox?.wake(news.ids);
        // In a host's list, it is called.
        if (answer === 'queued' && !silent && release.again?.waiting === undefined) {
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

  #insist<T>(work: () => Promise<T>, most?: number): Promise<T> {
    const isVain = (waitMs: number): boolean => this.#heartbeat.isLost || this.#invocation.remainingMs() < waitMs * 2;
    return insist(work, { isVain, clock: this.#deps.clock, ...(most === undefined ? {} : { most }) });
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
