/** Everything that a job needs around it, real but for the clock: records, leases, slots and a queue on embedded endpoints. */
import { createHosts } from '../../lib/aws/hosts.ts';
import { createJobQueue, createJobReceiver } from '../../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../lib/aws/records.ts';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import { createDeadline } from '../../lib/core/deadline.ts';
import type { ErrorCode } from '../../lib/core/error-catalogue.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { createLog } from '../../lib/core/log.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import type { RunJobDeps } from '../../lib/jobs/runs/run-job.ts';
import { type RunSyncDeps, runSync, type SyncedRun } from '../../lib/jobs/runs/run-sync.ts';
import { createLfsServer } from '../../lib/lfs/create-lfs-server.ts';
import { type RefOutcome, summarise } from '../../lib/mirror/outcome.ts';
import type { Mirror, MirrorKey, MirrorSettings } from '../../lib/model/mirror.ts';
import type { Project, ProjectSettings } from '../../lib/model/project.ts';
import type { Trigger } from '../../lib/model/run.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient, type HttpClient } from '../../lib/net/http-client.ts';
import { startTestAws, type TestAws } from './aws.ts';
import { type HeldClock, heldClock } from './mirrors.ts';
import { sampleMirror, sampleProject } from './sample-records.ts';
import { signInMeans } from './sign-in-means.ts';

export interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

export interface JobBench extends Omit<RunJobDeps, 'records' | 'sync'> {
  readonly aws: TestAws;
  readonly clock: HeldClock;
  readonly records: ReturnType<typeof createRecords>;
  readonly secrets: ReturnType<typeof createSecretStore>;
  readonly lines: LogLine[];
  /** A run by the real engine, over HTTP with loopback allowed. */
  readonly sync: RunJobDeps['sync'];
  readonly signIn: RunSyncDeps['signIn'];
  readonly connect: RunSyncDeps['connect'];
  readonly connectLfs: RunSyncDeps['connectLfs'];
  /** A project with one mirror, and a request for it unless `trigger` is null. */
  made(options?: {
    readonly direction?: 'push' | 'pull';
    readonly project?: Partial<ProjectSettings>;
    readonly mirror?: Partial<MirrorSettings>;
    readonly trigger?: Trigger | null;
    readonly confirmDeletions?: boolean;
  }): Promise<{ readonly project: Project; readonly mirror: Mirror }>;
  request(key: MirrorKey, trigger?: Trigger, confirmDeletions?: boolean): Promise<void>;
  /** What is in the queue now, with what is delayed by up to `waitSeconds`. */
  messages(waitSeconds?: number): Promise<string[]>;
  events(name: string): LogLine[];
  close(): Promise<void>;
}

export const byEvent: Trigger = { kind: 'event', who: 'github' };
export const bySchedule: Trigger = { kind: 'schedule', who: '' };

export async function openJobBench(): Promise<JobBench> {
  const aws = await startTestAws();
  const { dynamo, sqs } = aws.clients;
  const { tableName, queueUrl } = aws;
  const clock = heldClock();
  const lines: LogLine[] = [];
  const log = createLog((line) => lines.push(JSON.parse(line) as LogLine), 'debug', clock.now);
  const records = createRecords({ dynamo, tableName, clock });
  const jobs = createMirrorJobs({ dynamo, tableName });
  const secrets = createSecretStore({ secrets: aws.clients.secrets, prefix: aws.secretPrefix, clock });
  const http: HttpClient = createHttpClient(createAddressGuard(['127.0.0.0/8']));
  const guard = createAddressGuard(['127.0.0.0/8']);
  const connect: RunSyncDeps['connect'] = (end, deadline) => createTransport(end, { http, guard, deadline });
  const connectLfs: RunSyncDeps['connectLfs'] = (end, deadline, redactor) => createLfsServer(end, { http, guard, deadline, redactor });
  const signIn = signInMeans({ clock, http });
  const request: JobBench['request'] = async (key, trigger = byEvent, confirmDeletions = false) => {
    await jobs.request(key, { trigger, now: clock.now(), startAt: clock.now(), confirmDeletions, resume: false });
  };
  return {
    aws,
    clock,
    lines,
    log,
    records,
    jobs,
    secrets,
    connect,
    connectLfs,
    signIn,
    queue: createJobQueue({ sqs, queueUrl, log }),
    hosts: createHosts({ dynamo, tableName }),
    sync: (input, deadline) => runSync(input, { deadline, secrets, credentials: records.credentials, signIn, connect, connectLfs }),
    request,
    async made({ direction = 'push', project: ofProject, mirror: ofMirror, trigger = byEvent, confirmDeletions = false } = {}) {
      const now = clock.now();
      const project = await records.projects.create(sampleProject(ofProject), now);
      if (project === undefined) throw new Error('the path is taken');
      const mirror = await records.mirrors.create(project.id, direction, sampleMirror(ofMirror), { now, dueAt: now + 3600_000 });
      if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
      if (trigger !== null) await request(mirror, trigger, confirmDeletions);
      return { project, mirror };
    },
    async messages(waitSeconds = 0) {
      const receiver = createJobReceiver({ sqs, queueUrl });
      const bodies: string[] = [];
      for (let wait = waitSeconds; ; wait = 0) {
        const got = await receiver.receive({ waitSeconds: wait, max: 10, signal: new AbortController().signal });
        if (got.length === 0) return bodies;
        bodies.push(...got.map(({ body }) => body));
        await receiver.acknowledge(got.map(({ receipt }) => receipt));
      }
    },
    events: (name) => lines.filter(({ event }) => event === name),
    async close() {
      await http.close();
      await aws.close();
    },
  };
}

/** The outcome of a run that never was. */
export function madeUpRun({ code, refs = [] }: { readonly code?: ErrorCode; readonly refs?: readonly RefOutcome[] } = {}): SyncedRun {
  const redactor = createRedactor([]);
  const error = code === undefined ? undefined : new GitferryError(code);
  const facts = { refs, error, divergedDefaultBranch: undefined, bytes: 0, durationMs: 0, dryRun: false, notes: [] };
  return { outcome: summarise(facts, redactor), defaultBranch: null, redactor };
}

/** A run that goes on until its deadline ends, and fails with the reason. */
export const endlessRun: RunJobDeps['sync'] = async (_, { signal }) => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return madeUpRun({ code: (signal.reason as GitferryError).code });
};

/** An invocation with this much time left. */
export const timeLeft = (ms = 900_000) => createDeadline(ms);
