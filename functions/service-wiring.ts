/** What each of the service's functions needs, built out of the parts that they share. */

import type { ApiDeps } from '../lib/api/api-deps.ts';
import { createGuessLimit } from '../lib/api/http/guess-limit.ts';
import { createHosts } from '../lib/aws/hosts.ts';
import { createNarrowMemories } from '../lib/aws/mirrors/narrow-memories.ts';
import { createDeadline, type Deadline } from '../lib/core/deadline.ts';
import { GitferryError } from '../lib/core/errors.ts';
import type { Log } from '../lib/core/log.ts';
import { TokenCache } from '../lib/credentials/token-cache.ts';
import { createTransport } from '../lib/git/transport/create-transport.ts';
import type { SshConnection } from '../lib/git/transport/ssh/ssh-connection.ts';
import { SshPool } from '../lib/git/transport/ssh/ssh-pool.ts';
import { listSource } from '../lib/jobs/list-source.ts';
import { type RequestDeps, requestRuns } from '../lib/jobs/requests/request-run.ts';
import { type InvokedUpdate, updateByInput } from '../lib/jobs/requests/update-by-input.ts';
import { withNarrowRuns } from '../lib/jobs/runs/narrow-run.ts';
import type { BatchDeps } from '../lib/jobs/runs/run-batch.ts';
import { type RunJobDeps, runJob } from '../lib/jobs/runs/run-job.ts';
import { type RunSyncDeps, runSync } from '../lib/jobs/runs/run-sync.ts';
import { createRenewals } from '../lib/jobs/runs/token-renewals.ts';
import { withUnsavedSecret } from '../lib/jobs/runs/unsaved-secret.ts';
import { markDead } from '../lib/jobs/tick/dead-letter.ts';
import { noteMissedEvents } from '../lib/jobs/tick/missed-events.ts';
import { sendWaiting } from '../lib/jobs/tick/send-waiting.ts';
import { breakAllLeases, tick } from '../lib/jobs/tick/tick.ts';
import { createLfsServer } from '../lib/lfs/create-lfs-server.ts';
import type { TokenRecords } from '../lib/model/records.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { createHttpClient } from '../lib/net/http-client.ts';
import { deliverTest } from '../lib/notify/deliver.ts';
import { receiveCodeCommitEvent } from '../lib/webhook/code-commit.ts';
import type { RequestRuns } from '../lib/webhook/handle-delivery.ts';
import type { WebhookDeps } from '../lib/webhook/receive.ts';
import { shareRequests } from '../lib/webhook/share-requests.ts';
import { delivering } from './notify-wiring.ts';
import type { Service } from './shared-service.ts';
import { wireSingleSignOn } from './sso-wiring.ts';

/** How long freeing the leases of a killed process may take when it is started again. */
const recoveryMs = 60_000;

async function within<T>(ms: number, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = createDeadline(ms);
  try {
    return await work(deadline);
  } finally {
    deadline.clear();
  }
}

/** For functions that talk to Git hosts. Connections are kept for the next run. */
function connector({
  allowAddresses,
  aws,
  clock,
}: Pick<Service, 'allowAddresses' | 'aws' | 'clock'>): Pick<RunSyncDeps, 'connect' | 'connectLfs' | 'signIn'> {
  const guard = createAddressGuard(allowAddresses);
  const http = createHttpClient(guard);
  const sshPool = new SshPool<SshConnection>();
  return {
    signIn: { http, aws, clock, tokens: new TokenCache(clock) },
    connect: (end, deadline) => createTransport(end, { http, guard, deadline, sshPool }),
    connectLfs: (end, deadline, redactor) => createLfsServer(end, { http, guard, deadline, redactor }),
  };
}

export function wireWebhook({ records, remembered, secrets, jobs, queue, clock, log, missedEvents }: Service): WebhookDeps {
  return {
    ...records,
    projects: remembered?.contents ?? records.projects,
    secrets,
    clock,
    log,
    noteMissed: () => missedEvents.note(),
    requestRuns: shareRequests(requestForEvent({ jobs, queue, settings: records.settings, clock, log })),
  };
}

function requestForEvent(deps: RequestDeps): RequestRuns {
  return (keys, who, refs) => requestRuns(keys, { trigger: { kind: 'event', who }, refs }, deps);
}

export function wireApi(all: Service): ApiDeps {
  const { records, jobs, queue, secrets, clock, log, allowAddresses, publicUrl, listMemory, sso } = all;
  const testing = delivering(all);
  const connectors = { ...connector(all), listMemory };
  return {
    ...{ records, jobs, queue, secrets, clock, log, publicUrl },
    guard: createAddressGuard(allowAddresses),
    guesses: createGuessLimit(),
    sso: wireSingleSignOn(sso, { secrets, publicUrl, clock, allowAddresses }),
    testChannel: (channel) => deliverTest(channel, testing),
    listSource: ({ mirror, project, timeoutMs, credential }) =>
      within(timeoutMs, (deadline) =>
        listSource(
          { mirror, project },
          { deadline, secrets: withUnsavedSecret(secrets, credential), credentials: records.credentials, ...connectors },
        ),
      ),
    async plan({ mirror, project, timeoutMs, credential }) {
      const { maxDeletionsPercent } = await records.settings.get();
      const input = { mirror, project, dryRun: true, confirmDeletions: false, maxDeletionsPercent };
      const { outcome } = await within(timeoutMs, (deadline) =>
        runSync(input, { deadline, secrets: withUnsavedSecret(secrets, credential), credentials: records.credentials, ...connectors }),
      );
      return outcome;
    },
  };
}

export function wireWorker(all: Service): BatchDeps {
  const { running, clients, records, jobs, queue, outbox, secrets, clock, log, tableName, listMemory, workers } = all;
  const hosts = createHosts({ dynamo: clients.dynamo, tableName });
  const connectors = connector(all);
  const renewals = createRenewals({ credentials: records.credentials, secrets, clock });
  const ordinary: RunJobDeps['sync'] = (input, deadline) =>
    runSync(input, {
      deadline,
      secrets,
      credentials: records.credentials,
      listMemory,
      ...connectors,
      signIn: { ...connectors.signIn, renewals },
    });
  const sync = withNarrowRuns(ordinary, { memories: createNarrowMemories({ dynamo: clients.dynamo, tableName, clock }), clock, log });
  return {
    log,
    running,
    run: (key, deadline) => runJob(key, { deadline }, { records, jobs, queue, outbox, hosts, clock, log, sync, workers }),
  };
}

export function wireDeadLetter({ jobs, clock, log, running }: Service): BatchDeps {
  return { log, running, run: (key) => markDead(key, { jobs, clock, log }) };
}

export interface Schedule {
  /** `time` is EventBridge's; ends within `remainingMs`. */
  tick(input: { readonly time: number; readonly remainingMs: number; readonly shards: readonly number[] }): Promise<unknown>;
  /** An alarm says that webhooks were turned away: the next ticks compare what they may have told. */
  noteMissedEvents(): Promise<unknown>;
  receiveCodeCommit(event: unknown): Promise<unknown>;
}

export function wireSchedule({ clients, tableName, records, jobs, queue, outbox, clock, log, workers, missedEvents }: Service): Schedule {
  const hosts = createHosts({ dynamo: clients.dynamo, tableName });
  const deps = { records, jobs, queue, outbox, hosts, settings: records.settings, clock, log, workers };
  return {
    tick: ({ time, remainingMs, shards }) =>
      within(remainingMs, (deadline) => tick({ time, deadline, shards, eventsMissed: missedEvents.take() }, deps)),
    noteMissedEvents: () => noteMissedEvents({ ticks: records.ticks, clock, log }),
    receiveCodeCommit: (event) => receiveCodeCommitEvent(event, { projects: records.projects, requestRuns: requestForEvent(deps), log }),
  };
}

export function wireUpdateNow({ records, jobs, queue, clock, log }: Service): (input: unknown) => Promise<InvokedUpdate> {
  return (input) => updateByInput(input, { projects: records.projects, jobs, queue, settings: records.settings, clock, log });
}

export interface LocalParts {
  readonly log: Log;
  readonly tokens: TokenRecords;
  /** A call of the API or the console has changed something. */
  noteChange(): void;
  /** Ends all runs of this process cleanly; they are asked for again. */
  interruptJobs(): void;
  /** Where no other process works on the table: frees every lease (its holder was killed), and sends all that waits. */
  recover(): Promise<void>;
  close(): void;
}

export function wireLocal(all: Service): LocalParts {
  const { clients, tableName, records, remembered, jobs, queue, outbox, clock, log, running, missedEvents } = all;
  const deps = {
    records,
    jobs,
    queue,
    outbox,
    hosts: createHosts({ dynamo: clients.dynamo, tableName }),
    settings: records.settings,
    clock,
    log,
  };
  return {
    log,
    tokens: records.tokens,
    noteChange() {
      remembered?.contents.forget();
      remembered?.jobs.forget();
    },
    interruptJobs() {
      for (const deadline of running) deadline.abort(new GitferryError('run_interrupted'));
    },
    async recover() {
      // Deliveries of meanwhile found nobody.
      missedEvents.note();
      await within(recoveryMs, (deadline) => breakAllLeases({ time: clock.now(), deadline }, deps));
      await sendWaiting(deps);
    },
    close: () => clients.close(),
  };
}
