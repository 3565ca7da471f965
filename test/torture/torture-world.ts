/** The service under torture: its functions in processes, the AWS endpoints and Git servers behind proxies, a queue and a clock that the harness holds. */
import { join } from 'node:path';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../lib/aws/records.ts';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import type { MirrorJobs } from '../../lib/jobs/mirror-jobs.ts';
import type { Mirror, MirrorKey } from '../../lib/model/mirror.ts';
import type { Records } from '../../lib/model/records.ts';
import type { SecretStore } from '../../lib/model/secret-store.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { temporaryFolder } from '../support/git.ts';
import { type EndpointCall, type EndpointProxy, startEndpointProxy } from './endpoint-proxy.ts';
import { type FunctionName, type FunctionProcess, startFunction } from './function-process.ts';

export interface WorldProxies {
  readonly dynamo: EndpointProxy;
  readonly sqs: EndpointProxy;
  readonly secrets: EndpointProxy;
}

interface QueuedMessage {
  readonly body: string;
  /** Of the held clock. */
  readonly availableAt: number;
}

const minuteMs = 60_000;

export class TortureWorld {
  readonly folder: string;
  readonly aws: TestAws;
  readonly records: Records;
  readonly jobs: MirrorJobs;
  readonly secrets: SecretStore;
  /** Before the worker's endpoints. */
  readonly proxies: WorldProxies;
  /** Nothing may show one of these. */
  readonly secretTexts: string[] = [];
  messages: QueuedMessage[] = [];
  #offsetMs = 0;
  readonly #remove: () => Promise<void>;
  readonly #processes = new Set<FunctionProcess>();
  /** Of the processes that are gone. */
  readonly #outputs: string[] = [];
  #schedule: FunctionProcess | undefined;
  /** A worker that is up already when the next is wanted. */
  #spare: Promise<FunctionProcess> | undefined;

  private constructor(folder: { path: string; remove(): Promise<void> }, aws: TestAws, proxies: WorldProxies) {
    this.folder = folder.path;
    this.#remove = folder.remove;
    this.aws = aws;
    this.proxies = proxies;
    const clock = { now: () => this.now(), random: () => Math.random() };
    const { dynamo, secrets } = aws.clients;
    this.records = createRecords({ dynamo, tableName: aws.tableName, clock });
    this.jobs = createMirrorJobs({ dynamo, tableName: aws.tableName });
    this.secrets = createSecretStore({ secrets, prefix: aws.secretPrefix, clock });
  }

  static async open(): Promise<TortureWorld> {
    const folder = await temporaryFolder();
    const aws = await startTestAws();
    const url = (name: string): string => process.env[`AWS_ENDPOINT_URL_${name}`] ?? '';
    const [dynamo, sqs, secrets] = await Promise.all([
      startEndpointProxy(url('DYNAMODB')),
      startEndpointProxy(url('SQS')),
      startEndpointProxy(url('SECRETS_MANAGER')),
    ]);
    const world = new TortureWorld(folder, aws, { dynamo, sqs, secrets });
    sqs.hooks = { after: (call, status) => world.noteSent(call, status) };
    return world;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.kill()));
    await (await this.#spare)?.kill();
    await Promise.all(Object.values(this.proxies).map((proxy: EndpointProxy) => proxy.close()));
    await this.aws.close();
    await this.#remove();
  }

  // ---- time

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Never back. */
  advanceTo(time: number): void {
    this.#offsetMs += Math.max(0, time - this.now());
    for (const process of this.#processes) process.setClock(this.#offsetMs);
  }

  // ---- processes

  get environment(): Readonly<Record<string, string>> {
    const { dynamo, sqs, secrets } = this.proxies;
    return {
      PATH: process.env['PATH'] ?? '',
      TMPDIR: this.folder,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
      GITFERRY_TABLE: this.aws.tableName,
      GITFERRY_QUEUE_URL: this.aws.queueUrl,
      GITFERRY_SECRET_PREFIX: this.aws.secretPrefix,
      GITFERRY_PUBLIC_URL: 'https://gitferry.example.org',
      GITFERRY_ALLOW_ADDRESSES: '127.0.0.1/32',
      GITFERRY_LOG_LEVEL: 'info',
    };
  }

  async start(name: FunctionName, { skewMs = 0, nodeOptions = [] as readonly string[] } = {}): Promise<FunctionProcess> {
    const { environment } = this;
    const started = await startFunction({ name, environment, offsetMs: this.#offsetMs + skewMs, nodeOptions });
    const own: FunctionProcess = {
      get pid() {
        return started.pid;
      },
      get isAlive() {
        return started.isAlive;
      },
      invoke: (event) => started.invoke(event),
      measure: () => started.measure(),
      freeze: () => started.freeze(),
      thaw: () => started.thaw(),
      output: () => started.output(),
      // Its own time runs on, as wrong as it was.
      setClock: (offsetMs) => started.setClock(offsetMs + skewMs),
      kill: async () => {
        await started.kill();
        if (this.#processes.delete(own)) this.#outputs.push(started.output());
      },
    };
    this.#processes.add(own);
    own.setClock(this.#offsetMs);
    return own;
  }

  /** One that nobody has used, without waiting for it as a rule. */
  async freshWorker(): Promise<FunctionProcess> {
    const worker = await (this.#spare ?? this.start('worker'));
    this.#spare = this.start('worker');
    this.#spare.catch(() => {});
    return worker;
  }

  /** All that any process wrote so far. */
  output(): string {
    return [...this.#outputs, ...[...this.#processes].map((process) => process.output())].join('\n');
  }

  // ---- the queue

  /** For an SQS proxy's `after`: what was sent is in the held queue now. */
  noteSent({ operation, body }: EndpointCall, status: number): void {
    if (operation !== 'SendMessageBatch' || status !== 200) return;
    const { Entries: entries } = JSON.parse(body) as { Entries: { MessageBody: string; DelaySeconds?: number }[] };
    for (const { MessageBody, DelaySeconds = 0 } of entries) {
      this.messages.push({ body: MessageBody, availableAt: this.now() + DelaySeconds * 1000 });
    }
  }

  /** Takes all messages whose time has come. */
  takeAvailable(): readonly string[] {
    const now = this.now();
    const available = this.messages.filter(({ availableAt }) => availableAt <= now);
    this.messages = this.messages.filter(({ availableAt }) => availableAt > now);
    return available.map(({ body }) => body);
  }

  /** Resolves with whether the message was acknowledged. */
  async deliver(worker: FunctionProcess, body: string): Promise<boolean> {
    const answer = await worker.invoke({ Records: [{ messageId: 'm', body }] });
    return answer?.batchItemFailures?.length === 0;
  }

  // ---- the tick

  async tick(time: number): Promise<void> {
    if (this.#schedule?.isAlive !== true) this.#schedule = await this.start('schedule');
    await this.#schedule.invoke({ 'detail-type': 'Scheduled Event', time: new Date(time).toISOString() });
  }

  get nextTick(): number {
    return Math.floor(this.now() / minuteMs) * minuteMs + minuteMs;
  }

  /**
   * No more faults: messages are delivered, minutes pass. Resolves with how long it took until nothing is left to do for these mirrors, or undefined if that
   * is more than `mostMs`.
   */
  async calm(keys: readonly MirrorKey[], worker: FunctionProcess, mostMs: number): Promise<number | undefined> {
    const begin = this.now();
    for (;;) {
      const bodies = this.takeAvailable();
      await Promise.all(bodies.map((body) => this.deliver(worker, body)));
      const mirrors = await this.mirrors(keys);
      if (this.messages.every(({ availableAt }) => availableAt > this.now()) && mirrors.every((mirror) => isAtRest(mirror, this.now())))
        return this.now() - begin;
      if (bodies.length > 0) continue;
      const { nextTick } = this;
      const next = Math.min(nextTick, ...this.messages.map(({ availableAt }) => availableAt));
      if (next - begin > mostMs) return undefined;
      this.advanceTo(next);
      if (next === nextTick) await this.tick(nextTick);
    }
  }

  async mirrors(keys: readonly MirrorKey[]): Promise<readonly Mirror[]> {
    const found = await Promise.all(keys.map((key) => this.jobs.get(key)));
    return found.filter((mirror) => mirror !== undefined);
  }

  tmp(name: string): string {
    return join(this.folder, name);
  }
}

function isAtRest({ leaseToken, queuedAt, requestedSeq, doneSeq, dueAt }: Mirror, now: number): boolean {
  return leaseToken === null && queuedAt === null && requestedSeq === doneSeq && (dueAt === null || dueAt > now);
}
