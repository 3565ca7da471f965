/** The parts that all of the service's functions share: built out of settings, once per process. */
import { type AwsClients, createAwsClients } from '../lib/aws/clients.ts';
import { sdkIdentity } from '../lib/aws/identity.ts';
import { withDeploymentToken } from '../lib/aws/instance/deployment-token.ts';
import { createJobQueue } from '../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../lib/aws/mirrors/mirror-jobs.ts';
import { createNoticeQueue } from '../lib/aws/notice-queue.ts';
import { createRecords } from '../lib/aws/records.ts';
import { createSecretStore } from '../lib/aws/secrets-manager.ts';
import { type Clock, systemClock } from '../lib/core/clock.ts';
import { createLog, type Log } from '../lib/core/log.ts';
import type { AwsIdentity } from '../lib/credentials/sign-in.ts';
import { ListMemory, listBytesFor } from '../lib/git/client/list-memory.ts';
import type { MirrorJobs } from '../lib/jobs/mirror-jobs.ts';
import type { JobQueue } from '../lib/jobs/requests/job-queue.ts';
import { type RememberingJobs, rememberWaiting } from '../lib/jobs/requests/waiting-requests.ts';
import type { NoticeOutbox } from '../lib/model/notice.ts';
import type { Records } from '../lib/model/records.ts';
import type { SecretStore } from '../lib/model/secret-store.ts';
import { createOutbox, type NoticeQueue } from '../lib/notify/outbox.ts';
import { type RememberedContents, rememberContents } from '../lib/webhook/remember-contents.ts';
import { ssoReader } from './sso-wiring.ts';
import { awsEndpoints, logSink, serviceMemoryMiB, serviceSettings, startedWithAws } from './wiring.ts';

interface Service {
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: Records;
  readonly jobs: MirrorJobs;
  /** Where this process works alone: what webhooks go by. */
  readonly remembered: { readonly contents: RememberedContents; readonly jobs: RememberingJobs } | undefined;
  readonly queue: JobQueue;
  readonly noticeQueue: NoticeQueue;
  readonly outbox: NoticeOutbox;
  readonly secrets: SecretStore;
  readonly aws: AwsIdentity;
  /** undefined = people sign in with tokens only. */
  readonly readSso: (() => Promise<unknown>) | undefined;
  readonly listMemory: ListMemory;
  readonly tableName: string;
  readonly allowAddresses: readonly string[];
}

/** A cache for the life of the process: on one machine all functions share connections, caches and the log. */
let shared: Service | undefined;
let isAlone = false;

/** `publicUrl`: whether it must be known; the queue and the table always must. */
export function service(needs: { readonly publicUrl: boolean }): Service & { readonly publicUrl: string; readonly workers: number } {
  const {
    table: tableName,
    queueUrl,
    notifyQueueUrl,
    secretPrefix: prefix,
    logLevel,
    allowAddresses,
    publicUrl,
    ownerTokenSecret,
    ssoSecret,
    ssoFile,
    workers,
  } = serviceSettings({ queue: true, ...needs });
  if (shared === undefined) {
    const clients = createAwsClients();
    const { dynamo, sqs } = clients;
    const clock = systemClock;
    const log = createLog(logSink(), logLevel);
    const secrets = createSecretStore({ secrets: clients.secrets, prefix, clock });
    const stored = createRecords({ dynamo, tableName, clock });
    const records =
      ownerTokenSecret === undefined
        ? stored
        : { ...stored, tokens: withDeploymentToken(stored.tokens, { secrets, secretName: ownerTokenSecret, clock }) };
    const jobs = createMirrorJobs({ dynamo, tableName });
    const remembered = isAlone ? { contents: rememberContents(records.projects, clock), jobs: rememberWaiting(jobs) } : undefined;
    const noticeQueue = createNoticeQueue({ sqs, queueUrl: notifyQueueUrl, log });
    shared = {
      clients,
      clock,
      log,
      tableName,
      allowAddresses,
      records,
      jobs: remembered?.jobs ?? jobs,
      remembered,
      queue: createJobQueue({ sqs, queueUrl, log }),
      noticeQueue,
      outbox: createOutbox({ ...records, queue: noticeQueue, clock }),
      secrets,
      aws: isAlone ? startedIdentity() : sdkIdentity(sqs, awsEndpoints()),
      readSso: ssoReader({ ssoSecret, ssoFile }, secrets),
      listMemory: new ListMemory(listBytesFor(serviceMemoryMiB())),
    };
  }
  return { ...shared, publicUrl, workers };
}

/** On embedded endpoints the SDK has made-up credentials. */
function startedIdentity(): AwsIdentity {
  const { credentials, region } = startedWithAws();
  return { credentials: async () => credentials, region: async () => region, endpoints: awsEndpoints() };
}

/** No other process works on the table: to be said before any function is loaded. */
export function workAlone(): void {
  isAlone = true;
}
