/** What each of the service's functions needs, built out of settings; the parts they share exist once per process. */
import { type AwsClients, createAwsClients } from '../lib/aws/clients.ts';
import { createHostSlots } from '../lib/aws/host-slots.ts';
import { createJobQueue } from '../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../lib/aws/mirror-jobs.ts';
import { createRecords } from '../lib/aws/records.ts';
import { createSecretStore } from '../lib/aws/secrets-manager.ts';
import { type Clock, systemClock } from '../lib/core/clock.ts';
import { createDeadline, type Deadline } from '../lib/core/deadline.ts';
import { GitferryError } from '../lib/core/errors.ts';
import { createLog, type Log } from '../lib/core/log.ts';
import type { Needs } from '../lib/core/service-settings.ts';
import { createHttpTransport } from '../lib/git/transport/http.ts';
import { markDead } from '../lib/jobs/dead-letter.ts';
import type { JobQueue } from '../lib/jobs/job-queue.ts';
import type { MirrorJobs } from '../lib/jobs/mirror-jobs.ts';
import { requestRuns, updateNow } from '../lib/jobs/request-run.ts';
import type { BatchDeps } from '../lib/jobs/run-batch.ts';
import { runJob } from '../lib/jobs/run-job.ts';
import { runSync } from '../lib/jobs/run-sync.ts';
import { sendWaiting, tick } from '../lib/jobs/tick.ts';
import { parseUpdateNowInput } from '../lib/jobs/update-now-input.ts';
import type { Records, TokenRecords } from '../lib/model/records.ts';
import type { SecretStore } from '../lib/model/secret-store.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { createHttpClient } from '../lib/net/http-client.ts';
import { receiveCodeCommitEvent } from '../lib/webhook/code-commit.ts';
import { logSink, serviceSettings } from './wiring.ts';

interface Service {
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: Records;
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly secrets: SecretStore;
  readonly allowAddresses: readonly string[];
  readonly publicUrl: string;
}

/** A cache for the life of the process: on one machine all functions share connections, caches and the log. */
let shared: Service | undefined;
/** Runs under way in this process. */
const running = new Set<Deadline>();

function service(needs: Needs): Service {
  const { table: tableName, queueUrl, secretPrefix: prefix, logLevel, allowAddresses, publicUrl } = serviceSettings(needs);
  if (shared !== undefined) return { ...shared, publicUrl };
  const clients = createAwsClients();
  const clock = systemClock;
  const log = createLog(logSink(), logLevel);
  const { dynamo, sqs } = clients;
  shared = {
    clients,
    clock,
    log,
    records: createRecords({ dynamo, tableName, clock }),
    jobs: createMirrorJobs({ dynamo, tableName }),
    queue: createJobQueue({ sqs, queueUrl, log }),
    secrets: createSecretStore({ secrets: clients.secrets, prefix, clock }),
    allowAddresses,
    publicUrl,
  };
  return shared;
}
