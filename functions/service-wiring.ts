/** What the service's functions need, built once per process out of settings. */

import { type AwsClients, createAwsClients } from '../lib/aws/clients.ts';
import { createHostSlots } from '../lib/aws/host-slots.ts';
import { createJobQueue } from '../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../lib/aws/mirror-jobs.ts';
import { createRecords } from '../lib/aws/records.ts';
import { createSecretStore } from '../lib/aws/secrets-manager.ts';
import { type Clock, systemClock } from '../lib/core/clock.ts';
import { createDeadline, type Deadline } from '../lib/core/deadline.ts';
import { createLog, type Log } from '../lib/core/log.ts';
import type { ServiceSettings } from '../lib/core/service-settings.ts';
import type { JobQueue } from '../lib/jobs/job-queue.ts';
import type { MirrorJobs } from '../lib/jobs/mirror-jobs.ts';
import type { Records } from '../lib/model/records.ts';
import type { SecretStore } from '../lib/model/secret-store.ts';

/** What every function has. */
export interface Service {
  readonly settings: ServiceSettings;
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: Records;
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly secrets: SecretStore;
}

export function createService(settings: ServiceSettings, writeLine: (line: string) => void): Service {
  const clients = createAwsClients();
  const clock = systemClock;
  const log = createLog(writeLine, settings.logLevel);
  const { dynamo, sqs } = clients;
  const { table: tableName, queueUrl } = settings;
  return {
    settings,
    clients,
    clock,
    log,
    records: createRecords({ dynamo, tableName, clock }),
    jobs: createMirrorJobs({ dynamo, tableName }),
    queue: createJobQueue({ sqs, queueUrl, log }),
    secrets: createSecretStore({ secrets: clients.secrets, prefix: settings.secretPrefix, clock }),
  };
}
