/** The parts that all of the service's functions share: built out of settings, which are values. */
import { type AwsClients, createAwsClients } from '../lib/aws/clients.ts';
import { sdkIdentity } from '../lib/aws/identity.ts';
import { withDeploymentToken } from '../lib/aws/instance/deployment-token.ts';
import { createJobQueue } from '../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../lib/aws/mirrors/mirror-jobs.ts';
import { createNoticeQueue } from '../lib/aws/notice-queue.ts';
import { createRecords } from '../lib/aws/records.ts';
import { createSecretStore } from '../lib/aws/secrets-manager.ts';
import { type Clock, systemClock } from '../lib/core/clock.ts';
import type { Deadline } from '../lib/core/deadline.ts';
import { createLog, type Log } from '../lib/core/log.ts';
import type { ServiceSettings } from '../lib/core/service-settings.ts';
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
import { awsEndpoints, logSink, serviceMemoryMiB, startedWithAws } from './wiring.ts';

export interface Service {
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
  /** Where the identity providers are kept. */
  readonly sso: Pick<ServiceSettings, 'ssoSecret' | 'ssoFile'>;
  readonly listMemory: ListMemory;
  readonly tableName: string;
  readonly allowAddresses: readonly string[];
  /** Empty where a function needs none. */
  readonly publicUrl: string;
  readonly workers: number;
  /** Runs under way in this process. */
  readonly running: Set<Deadline>;
  readonly missedEvents: MissedEvents;
}

/** What this process remembers until its next tick: it was not there for a while, or could not record a delivery. */
class MissedEvents {
  #areThere = false;

  note(): void {
    this.#areThere = true;
  }

  take(): boolean {
    const taken = this.#areThere;
    this.#areThere = false;
    return taken;
  }
}

interface Process {
  readonly clients?: AwsClients;
  /** No other process works on the table, which is on embedded endpoints. */
  readonly isAlone?: boolean;
}

/** For one process: on one machine all functions share its connections, caches and log. */
export function createService(settings: ServiceSettings, { clients = createAwsClients(), isAlone = false }: Process = {}): Service {
  const { table: tableName, queueUrl, notifyQueueUrl, secretPrefix: prefix, logLevel, ownerTokenSecret, ...rest } = settings;
  const { dynamo, sqs } = clients;
  const clock = systemClock;
  const log = createLog(logSink(), logLevel);
  const secrets = createSecretStore({ secrets: clients.secrets, prefix, clock });
  const stored = createRecords({ dynamo, tableName, clock, auditDays: rest.auditDays });
  const records =
    ownerTokenSecret === undefined
      ? stored
      : { ...stored, tokens: withDeploymentToken(stored.tokens, { secrets, secretName: ownerTokenSecret, clock }) };
  const jobs = createMirrorJobs({ dynamo, tableName });
  const remembered = isAlone ? { contents: rememberContents(records.projects, clock), jobs: rememberWaiting(jobs) } : undefined;
  const noticeQueue = createNoticeQueue({ sqs, queueUrl: notifyQueueUrl, log });
  return {
    clients,
    clock,
    log,
    tableName,
    allowAddresses: rest.allowAddresses,
    publicUrl: rest.publicUrl,
    workers: rest.workers,
    records,
    jobs: remembered?.jobs ?? jobs,
    remembered,
    queue: createJobQueue({ sqs, queueUrl, log }),
    noticeQueue,
    outbox: createOutbox({ ...records, queue: noticeQueue, clock }),
    secrets,
    aws: isAlone ? startedIdentity() : sdkIdentity(sqs, awsEndpoints()),
    sso: { ssoSecret: rest.ssoSecret, ssoFile: rest.ssoFile },
    listMemory: new ListMemory(listBytesFor(serviceMemoryMiB())),
    running: new Set(),
    missedEvents: new MissedEvents(),
  };
}

/** On embedded endpoints the SDK has made-up credentials. */
function startedIdentity(): AwsIdentity {
  const { credentials, region } = startedWithAws();
  return { credentials: async () => credentials, region: async () => region, endpoints: awsEndpoints() };
}
