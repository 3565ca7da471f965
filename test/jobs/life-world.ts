/** A world in which requests, workers and ticks live at the mercy of a list of numbers. */
import { DeleteCommand, type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { createHosts } from '../../lib/aws/hosts.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { keys } from '../../lib/aws/table/table.ts';
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError, toGitferryError } from '../../lib/core/errors.ts';
import { createLog } from '../../lib/core/log.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import type { Hosts } from '../../lib/jobs/hosts/hosts.ts';
import { dueShards, type MirrorJobs } from '../../lib/jobs/mirror-jobs.ts';
import type { JobQueue, WakeUp } from '../../lib/jobs/requests/job-queue.ts';
import { requestRuns, updateNow } from '../../lib/jobs/requests/request-run.ts';
import { runJob } from '../../lib/jobs/runs/run-job.ts';
import type { RunSyncInput, SyncedRun } from '../../lib/jobs/runs/run-sync.ts';
import { sendWaiting } from '../../lib/jobs/tick/send-waiting.ts';
import { tick } from '../../lib/jobs/tick/tick.ts';
import { summarise } from '../../lib/mirror/outcome.ts';
import { defaultInstanceSettings } from '../../lib/model/instance-settings.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import type { MissedEvents, TickRecords } from '../../lib/model/records.ts';
import type { TestAws } from '../support/aws.ts';
import { heldClock, noon, plainProject, putMirror } from '../support/mirrors.ts';
import { type Gate, type GatedProcess, Gates, never, newProcess, type ProcessKind, type Way } from './gated-process.ts';
import { Witness } from './witness.ts';

/** Puts a defect between the use cases and their ports. */
// Every step against the table or the queue waits until it is chosen, may fail or be the last one of its process; messages are lost, doubled, late and out
// of order; time stands still until it is moved. Their code is the real one, and so is the table; only the order of things is made up.

export interface Plant {
  jobs?(jobs: MirrorJobs, dynamo: DynamoDBDocumentClient, tableName: string): MirrorJobs;
  hosts?(hosts: Hosts): Hosts;
  ticks?(ticks: TickRecords): TickRecords;
  queue?(queue: JobQueue, dynamo: DynamoDBDocumentClient, tableName: string): JobQueue;
}

interface Message {
  readonly wakeUp: WakeUp;
  readonly availableAt: number;
}

const quiet = createLog(() => {}, 'error');

export class World {
  readonly #aws: TestAws;
  readonly #plant: Plant;
  readonly #clock = heldClock();
  readonly #projectId: number;
  #settings = { ...defaultInstanceSettings, maxRunsPerHost: 1 };
  readonly #gates = new Gates();
  readonly #witness: Witness;
  readonly #processes = new Set<GatedProcess>();
  #messages: Message[] = [];
  #isCalm = false;
  /** What ticks leave for each other. */
  #lastTick = noon;
  #missed: MissedEvents | null = null;
  /** The host of both mirrors gives no answer. */
  #isHostDown = false;

  constructor(aws: TestAws, projectId: number, plant: Plant = {}) {
    this.#aws = aws;
    this.#projectId = projectId;
    this.#plant = plant;
    this.#witness = new Witness(aws, projectId, this.#clock);
  }

  async open(): Promise<void> {
    for (let n = 0; n < 2; n++) {
      // Always in the same partitions of the index.
      const id = this.#projectId * dueShards + n;
      const mirror = await putMirror(this.#aws, {
        id,
        mirror: id,
        projectId: this.#projectId,
        url: `https://${this.#host}/${n}.git`,
        dueAt: noon + 10 * 60_000,
      });
      this.#witness.add(mirror);
    }
  }

  get #host(): string {
    return `mirrors-${this.#projectId}.example.org`;
  }

  get #hostOfProject(): string {
    return `project-${this.#projectId}.example.org`;
  }

  async close(): Promise<void> {
    for (const process of this.#processes) process.isCrashed = true;
    for (const host of [this.#host, this.#hostOfProject])
      await this.#aws.clients.dynamo.send(new DeleteCommand({ TableName: this.#aws.tableName, Key: keys.hostState(host) }));
    for (const mirror of this.#witness.mirrors) {
      await this.#aws.clients.dynamo.send(new DeleteCommand({ TableName: this.#aws.tableName, Key: keys.mirror(mirror) }));
    }
  }

  /** One step, chosen by this number among all that could happen now. */
  async act(choice: number): Promise<void> {
    const actions: (readonly [number, () => unknown])[] = [];
    for (const process of this.#live()) {
      const { isAsleep } = process;
      actions.push([
        3,
        () => {
          process.isAsleep = !isAsleep;
        },
      ]);
      for (const gate of isAsleep ? [] : process.gates) {
        actions.push([40, () => this.#pass(process, gate, 'well')]);
        actions.push([1, () => this.#pass(process, gate, 'crash before')], [1, () => this.#pass(process, gate, 'crash after')]);
        if (gate.kind === 'queue')
          actions.push([4, () => this.#pass(process, gate, 'fail before')], [4, () => this.#pass(process, gate, 'lose')]);
        // A worker would sleep before it tries again; those crash instead.
        if (gate.kind === 'table' && process.kind !== 'worker') {
          actions.push([1, () => this.#pass(process, gate, 'fail before')], [1, () => this.#pass(process, gate, 'fail after')]);
        }
      }
    }
    for (const message of this.#messages) {
      if (message.availableAt <= this.#clock.now())
        actions.push([20, () => this.#deliver(message)], [3, () => this.#startWorker(message.wakeUp)]);
      actions.push([1, () => this.#drop(message)]);
    }
    for (const mirror of this.#witness.mirrors) {
      actions.push([6, () => this.#startEvent(mirror)], [2, () => this.#startUpdateNow(mirror)], [3, () => this.#beat(mirror)]);
    }
    actions.push([6, () => this.#startTick()], [4, () => this.#letMinutesPass()], [1, () => this.#toggleSilentMode()]);
    actions.push([this.#isHostDown ? 4 : 2, () => this.#toggleHost()], [1, () => this.#goAway()]);
    for (const [weight, ms] of [
      [2, 1_000],
      [2, 20_000],
      [2, 60_000],
    ] as const)
      actions.push([weight, () => this.#clock.add(ms)]);
    const total = actions.reduce((sum, [weight]) => sum + weight, 0);
    let left = choice % total;
    for (const [weight, action] of actions) {
      left -= weight;
      if (left >= 0) continue;
      await action();
      break;
    }
    await this.#gates.flush();
  }

  /** No more faults: all that is under way goes on, and minutes pass. Resolves with how many passed until nothing was left to do. */
  async calm(mostMinutes: number): Promise<number | undefined> {
    this.#isCalm = true;
    this.#isHostDown = false;
    this.#witness.noteCalm();
    await this.#startTick();
    if (this.#settings.silentModeEnabled) await this.#toggleSilentMode();
    for (let minutes = 0; minutes <= mostMinutes; ) {
      await this.#goOn();
      const now = this.#clock.now();
      const available = this.#messages.filter(({ availableAt }) => availableAt <= now);
      for (const message of available) await this.#deliver(message);
      if (available.length > 0) continue;
      if (this.#isIdle()) return minutes;
      // The ticks of minutes in which nothing is due would find nothing.
      const due = Math.min(...this.#witness.mirrors.map(({ dueAt }) => dueAt ?? Number.POSITIVE_INFINITY));
      const nextMinute = Math.floor(now / 60_000) * 60_000 + 60_000;
      const isAwaited = this.#witness.mirrors.some(({ waiting }) => waiting !== null);
      const nextTick = isAwaited ? nextMinute : Math.max(nextMinute, Math.ceil(due / 60_000) * 60_000);
      const next = Math.min(nextTick, ...this.#messages.map(({ availableAt }) => availableAt));
      this.#clock.set(next);
      minutes += (next - now) / 60_000;
      if (next === nextTick) await this.#startTick();
    }
    return undefined;
  }

  /** What must not be, after `calm`; `minutes` is what that gave. */
  problems(minutes: number | undefined): readonly string[] {
    return this.#witness.problems(minutes);
  }

  get figures(): Witness['figures'] {
    return this.#witness.figures;
  }

  #isIdle(): boolean {
    const isBusy = (mirror: Mirror): boolean =>
      mirror.queuedAt !== null || mirror.leaseToken !== null || mirror.requestedSeq > mirror.doneSeq;
    return this.#missed === null && this.#live().length === 0 && this.#messages.length === 0 && !this.#witness.mirrors.some(isBusy);
  }

  #live(): GatedProcess[] {
    return [...this.#processes].filter(({ isCrashed, isFinished }) => !isCrashed && !isFinished);
  }

  async #goOn(): Promise<void> {
    for (;;) {
      const process = this.#live().find(({ gates }) => gates.length > 0);
      if (process === undefined) return;
      await this.#pass(process, process.gates[0]!, 'well');
      await this.#gates.flush();
    }
  }

  // ---- what can happen

  async #pass(process: GatedProcess, gate: Gate, way: Way): Promise<void> {
    this.#witness.step++;
    process.gates.splice(process.gates.indexOf(gate), 1);
    if (way.startsWith('crash')) process.isCrashed = true;
    await gate.proceed(way);
  }

  #deliver(message: Message): Promise<void> | void {
    this.#drop(message);
    return this.#startWorker(message.wakeUp);
  }

  #drop(message: Message): void {
    this.#messages = this.#messages.filter((other) => other !== message);
  }

  async #beat(mirror: Mirror): Promise<void> {
    const { leaseToken } = this.#witness.mirror(mirror.id);
    const holder = this.#live().find(({ token }) => token !== undefined && token === leaseToken);
    if (holder === undefined || leaseToken === null) return;
    const { dynamo } = this.#aws.clients;
    if (await createMirrorJobs({ dynamo, tableName: this.#aws.tableName }).renew(mirror, leaseToken)) this.#witness.noteBeat(mirror.id);
    await this.#witness.look(holder);
  }

  get #ticks(): TickRecords {
    return {
      note: async (_, { now, gapMs, missed }) => {
        const awaySince = now - this.#lastTick >= gapMs ? this.#lastTick : null;
        this.#lastTick = now;
        if (awaySince !== null) this.#missed = missed;
        return { missed: this.#missed, awaySince };
      },
      setMissed: async () => {},
      leaveMissed: async (_, read, left) => {
        if (this.#missed === read) this.#missed = left;
      },
    };
  }

  /** Minutes without the service: every process of it is gone, and nobody takes an event. */
  #goAway(): void {
    for (const process of this.#live()) process.isCrashed = true;
    this.#clock.add(60_000);
    for (const { id } of this.#witness.mirrors) this.#witness.noteLostEvent(id);
    this.#clock.add(180_000);
  }

  #toggleHost(): void {
    this.#isHostDown = !this.#isHostDown;
  }

  async #toggleSilentMode(): Promise<void> {
    const silentModeEnabled = !this.#settings.silentModeEnabled;
    this.#settings = { ...this.#settings, silentModeEnabled };
    if (!silentModeEnabled) this.#start('tick', (ports) => sendWaiting({ ...ports, clock: this.#clock, log: quiet }));
    await this.#gates.flush();
  }

  #startEvent(mirror: Mirror): void {
    const trigger = { kind: 'event', who: 'github' } as const;
    this.#start('requester', async (ports, process) => {
      const [answer] = await requestRuns([mirror], { trigger }, { ...ports, ...this.#common() });
      if (answer !== 'ignored') this.#witness.noteAccepted(mirror.id, process);
    });
  }

  #startUpdateNow(mirror: Mirror): void {
    this.#start('requester', async (ports, process) => {
      const answer = await updateNow(mirror, { who: 'ada', confirmDeletions: false }, { ...ports, ...this.#common() });
      if (answer !== undefined && answer.status !== 'disabled') this.#witness.noteAccepted(mirror.id, process);
    });
  }

  /** Ticks that go well, while everything else stands still: whoever holds a lease is dead for them. */
  async #letMinutesPass(): Promise<void> {
    for (let minutes = 0; minutes < 2; minutes++) {
      this.#clock.add(60_000);
      const process = await this.#startTick();
      for (let gate = process.gates[0]; gate !== undefined; gate = process.gates[0]) {
        await this.#pass(process, gate, 'well');
        await this.#gates.flush();
      }
    }
  }

  async #startTick(): Promise<GatedProcess> {
    const time = Math.floor(this.#clock.now() / 60_000) * 60_000;
    const process = this.#start('tick', async (ports) => {
      const deadline = createDeadline(3600_000);
      const records = {
        settings: this.#common().settings,
        runs: nothingKept,
        hooks: { ofProject: async () => [oneHook] } as never,
        ticks: this.#plant.ticks?.(this.#ticks) ?? this.#ticks,
      };
      await tick({ time, deadline }, { ...ports, records, clock: this.#clock, log: quiet });
      deadline.clear();
    });
    await this.#gates.flush();
    return process;
  }

  async #startWorker({ key }: WakeUp): Promise<void> {
    this.#start('worker', async (ports, process) => {
      const deadline = createDeadline(3600_000);
      await runJob(
        key,
        { deadline },
        {
          ...ports,
          records: {
            settings: this.#common().settings,
            runs: nothingKept,
            activity: { add: async () => {}, list: () => never },
            hooks: { ofProject: async () => [] } as never,
            projects: {
              get: async () => ({ ...plainProject, id: this.#projectId, repositoryUrl: `https://${this.#hostOfProject}/p.git` }),
              noteDefaultBranch: async () => {},
            } as never,
          },
          sync: (input) => this.#sync(process, input),
          clock: this.#clock,
          log: quiet,
          heartbeat: { beatMs: 3600_000, giveUpMs: 7200_000 },
        },
      );
      deadline.clear();
    });
    await this.#gates.flush();
  }

  /** The run itself: begins when it is let, and ends when it is let. */
  async #sync(process: GatedProcess, { mirror: { id }, mayWrite, admitTarget }: RunSyncInput): Promise<SyncedRun> {
    await this.#gates.wait(process, 'sync', async () => {});
    const startedAtStep = this.#witness.step;
    const refused = await Promise.all([mayWrite, admitTarget?.(Promise.resolve())]).then(
      () => undefined,
      (reason: unknown) => toGitferryError(reason),
    );
    if (refused !== undefined) return madeUp(refused);
    const failure = this.#isHostDown ? new GitferryError('connection_failed') : undefined;
    const hosts = [
      { host: this.#host, failure },
      { host: this.#hostOfProject, failure: undefined },
    ];
    await this.#gates.wait(process, 'sync', async () => {});
    // It is asked for again, whatever becomes of this attempt: the host's silence settles nothing.
    if (failure !== undefined) return { ...madeUp(failure), hosts };
    this.#witness.noteCompleted(id, startedAtStep);
    const turn = this.#isCalm ? 0 : startedAtStep % 7;
    const error = turn === 3 ? new GitferryError('pack_truncated') : turn === 5 ? new GitferryError('permission_denied') : undefined;
    return { ...madeUp(error), hosts };
  }

  // ---- processes and their gates

  #common() {
    const settings = {
      get: async () => this.#settings,
      update: () => never,
      heardNotices: async () => new Set<string>(),
      addHeardNotices: async () => {},
    };
    return { settings, clock: this.#clock, log: quiet };
  }

  #start(kind: ProcessKind, body: (ports: ReturnType<World['ports']>, process: GatedProcess) => Promise<unknown>): GatedProcess {
    const process = newProcess(kind);
    this.#processes.add(process);
    const ended = (): void => {
      process.isFinished = true;
    };
    body(this.ports(process), process).then(ended, ended);
    return process;
  }

  ports(process: GatedProcess) {
    const { tableName } = this.#aws;
    const dynamo = this.#dynamo(process);
    const jobs = createMirrorJobs({ dynamo, tableName });
    const hosts = createHosts({ dynamo, tableName });
    const queue = this.#gates.queue(process, (wakeUps) => {
      for (const wakeUp of wakeUps) this.#messages.push({ wakeUp, availableAt: this.#clock.now() + wakeUp.delaySeconds * 1000 });
    });
    return {
      jobs: this.#plant.jobs?.(jobs, dynamo, tableName) ?? jobs,
      queue: this.#plant.queue?.(queue, dynamo, tableName) ?? queue,
      hosts: this.#plant.hosts?.(hosts) ?? hosts,
    };
  }

  /** The index of what is due is shared by all worlds. */
  #ofThisWorld(answer: object): object {
    const { Items: items = [] } = answer as { Items?: { pk: string }[] };
    const own = [keys.project(this.#projectId).pk, ...[this.#host, this.#hostOfProject].map((host) => keys.hostState(host).pk)];
    return { ...answer, Items: items.filter(({ pk }) => own.includes(pk)) };
  }

  #dynamo(process: GatedProcess): DynamoDBDocumentClient {
    const { dynamo } = this.#aws.clients;
    return this.#gates.dynamo(process, async (command) => {
      const { ':shard': shard } = (command as UpdateCommand).input.ExpressionAttributeValues ?? {};
      try {
        const answer = await dynamo.send(command);
        return shard === undefined ? answer : this.#ofThisWorld(answer);
      } finally {
        if ((command as object) instanceof UpdateCommand) await this.#witness.look(process);
      }
    });
  }
}

function madeUp(error: GitferryError | undefined): SyncedRun {
  const redactor = createRedactor([]);
  const facts = { refs: [], error, divergedDefaultBranch: undefined, bytes: 0, durationMs: 0, dryRun: false, notes: [] };
  return { outcome: summarise(facts, redactor), defaultBranch: null, redactor };
}

const oneHook = { lastDeliveryOf: 'project' };
const nothingKept = { put: async () => {}, putIfAbsent: async () => {}, get: () => never, list: () => never };
