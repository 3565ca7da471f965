/** The whole service on this machine: the real functions behind an HTTP server, a queue poller and a minute timer, on embedded AWS endpoints. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { type AwsPlace, createAwsClients } from '../lib/aws/clients.ts';
import { createQueue, createResources } from '../lib/aws/create-resources.ts';
import { createJobReceiver } from '../lib/aws/job-queue.ts';
import { deleteExpiredItems } from '../lib/aws/table/expired-items.ts';
import { createSite } from '../lib/console/create-site.ts';
import { GitferryError } from '../lib/core/errors.ts';
import { createLog } from '../lib/core/log.ts';
import type { LocalSettings } from '../lib/core/service-settings.ts';
import { runBatch } from '../lib/jobs/runs/run-batch.ts';
import { shardsOf } from '../lib/jobs/tick/tick.ts';
import { startAwsEndpointsThread } from '../lib/local/aws-endpoints-thread.ts';
import { claimDataFolder } from '../lib/local/data-folder.ts';
import { pollQueue, startTicking } from '../lib/local/event-sources.ts';
import { loopback } from '../lib/local/guarded-server.ts';
import { createHostCheck } from '../lib/local/host-check.ts';
import type { StorageReport } from '../lib/local/table-endpoint.ts';
import { hashToken } from '../lib/model/token-hash.ts';
import { handleMessages } from '../lib/notify/handle-messages.ts';
import { createWebhookApp } from '../lib/webhook/receive.ts';
import { wireNotify } from './notify-wiring.ts';
import { type LocalParts, wireApi, wireLocal, wireSchedule, wireWebhook, wireWorker } from './service-wiring.ts';
import { createService, type Service } from './shared-service.ts';
import { checkSsoFile } from './sso-wiring.ts';
import { hasAwsEndpoints, logSink, silenceSdkWarning } from './wiring.ts';

export interface LocalService {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly adminToken: string;
  /** Where the token is kept, if it was not given. */
  readonly adminTokenFile: string | undefined;
  /** Ends running jobs cleanly; they are asked for again and run after the next start. */
  close(): Promise<void>;
}

const tickMs = 60_000;
const dayMs = 24 * 3600_000;
/** As on Lambda. */
const invocationMs = 15 * 60_000;
/** From which share of its time that the event loop works on a run is begun this often only: webhooks are answered first. */
const gentlestMs = 50;
const restraints = [
  { share: 0.6, pauseMs: 250 },
  { share: 0.3, pauseMs: gentlestMs },
];
/** Long enough for a share, short enough for a burst. */
const watchedMs = 200;
/** For so many of these the gentlest restraint stays: in a moment of quiet between two bursts, ten runs would begin at once. */
const heldTimes = 5;
/** Longer than what Git hosts and proxies keep a connection for: who closes first must not be this side, which cannot know that a request is on its way. */
const keepAliveMs = 75_000;

/** Receivers that do not answer keep others waiting only when there are so many of them. */
const notifiedAtOnce = 16;

type RequestHandler = (request: Request) => Response | Promise<Response>;

/** Resolves when the service answers. Throws `invalid_settings` where the port is taken or the data folder is not usable. */
export async function startLocalService(settings: LocalSettings): Promise<LocalService> {
  let answer: RequestHandler = () =>
    new Response('{"message":"503 Service Unavailable"}', { status: 503, headers: { 'content-type': 'application/json' } });
  const server = createAdaptorServer({ fetch: (request) => answer(request) });
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = keepAliveMs;
  await checkSsoFile(settings);
  const port = await listen(server, settings.port);
  const origin = `http://${loopback}:${port}`;
  const closers: Closer[] = [() => new Promise((resolve) => server.close(resolve))];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const isAlone = !hasAwsEndpoints();
    if (isAlone || settings.adminToken === undefined) await claimDataFolder(settings.dataFolder);
    const { service, queueUrl, notifyQueueUrl } = await createLocalService(settings, origin, isAlone, closers);
    const local = wireLocal(service);
    const admin = await adminToken(settings);
    const tokenHash = hashToken(admin.token);
    if ((await local.tokens.find(tokenHash)) === undefined)
      await local.tokens.create({ name: 'admin', tokenHash, role: 'owner', projectIds: null, expiresAt: null, createdAt: Date.now() });
    // With the endpoints embedded, nobody but this process works on the table: what holds a lease now was killed.
    if (isAlone) await local.recover();
    const stop = startEventSources(service, { queueUrl, notifyQueueUrl, isAlone });
    closers.push(() => {
      local.interruptJobs();
      return stop();
    });
    answer = requestHandler(service, settings, local);
    return { origin, adminToken: admin.token, adminTokenFile: admin.file, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Closer = () => Promise<unknown>;

interface LocalQueues {
  readonly queueUrl: string;
  readonly notifyQueueUrl: string;
}

/** The service on the endpoints of this process (`isAlone`) or on those that the environment names, with its table and queues. */
async function createLocalService(
  settings: LocalSettings,
  origin: string,
  isAlone: boolean,
  closers: Closer[],
): Promise<LocalQueues & { readonly service: Service }> {
  silenceSdkWarning();
  const clients = createAwsClients(isAlone ? await startEndpoints(settings, closers) : undefined);
  closers.push(async () => clients.close());
  const madeQueueUrl = await createResources(clients, settings.table, settings.table);
  const queueUrl = settings.queueUrl ?? madeQueueUrl;
  const notifyQueueUrl = settings.notifyQueueUrl ?? (await createQueue(clients, `${settings.table}-notify`, 300));
  const values = { ...settings, queueUrl, notifyQueueUrl, publicUrl: settings.publicUrl ?? origin };
  return { service: createService(values, { clients, isAlone }), queueUrl, notifyQueueUrl };
}

/** Anybody on this machine can reach the endpoints: they answer only to whoever knows the access key. */
async function startEndpoints({ dataFolder, logLevel }: LocalSettings, closers: Closer[]): Promise<AwsPlace> {
  const accessKeyId = `gitferry-${randomBytes(16).toString('hex')}`;
  const log = createLog(logSink(), logLevel);
  const report: StorageReport = (event, detail) =>
    log.write(event === 'disk_full' || event === 'table_failed' ? 'error' : 'info', event, { detail });
  const worker = new URL('./aws-endpoints-worker.js', import.meta.url);
  const endpoints = await startAwsEndpointsThread(dataFolder, worker, accessKeyId, report).catch((cause: Error) => {
    throw new GitferryError('invalid_settings', { detail: `GITFERRY_DATA_DIR: ${cause.message}`, cause });
  });
  closers.push(() => endpoints.close());
  return { ...endpoints, region: 'us-east-1', accessKeyId, secretAccessKey: 'gitferry' };
}

/** Queues and the minute. Resolves what ends them. */
function startEventSources(service: Service, { queueUrl, notifyQueueUrl, isAlone }: LocalQueues & { readonly isAlone: boolean }): Closer {
  const { clients, log, tableName, workers } = service;
  const [jobs, notices, schedule] = [wireWorker(service), wireNotify(service), wireSchedule(service)];
  const poller = pollQueue(
    createJobReceiver({ sqs: clients.sqs, queueUrl }),
    async (message) => (await runBatch([message], invocationMs, jobs)).length === 0,
    { most: workers, pauseMs: watchEventLoop() },
    log,
  );
  const notifier = pollQueue(
    createJobReceiver({ sqs: clients.sqs, queueUrl: notifyQueueUrl }),
    async (message) => (await handleMessages([message], notices)).length === 0,
    { most: notifiedAtOnce, pauseMs: () => 0 },
    log,
  );
  // The embedded table has no time to live.
  const cleaning = isAlone
    ? startTicking((time) => deleteExpiredItems({ dynamo: clients.dynamo, tableName }, time), dayMs, log)
    : undefined;
  const ticking = startTicking((time) => schedule.tick({ time, remainingMs: invocationMs, shards: shardsOf(undefined) }), tickMs, log);
  return () => Promise.all([poller.stop(), notifier.stop(), ticking.stop(), cleaning?.stop()]);
}

function requestHandler(service: Service, { publicUrl }: LocalSettings, { noteChange }: Pick<LocalParts, 'noteChange'>): RequestHandler {
  const [webhook, api] = [createWebhookApp(wireWebhook(service)), createSite(wireApi(service))];
  const answerApi = async (request: Request): Promise<Response> => {
    try {
      return await api.fetch(request);
    } finally {
      if (request.method !== 'GET' && request.method !== 'HEAD') noteChange();
    }
  };
  const refuseOtherHosts = createHostCheck(loopback, publicUrl);
  return (request) => {
    // With whatever host a tunnel or proxy names: a delivery is believed for its proof, and its answer tells nothing.
    if (new URL(request.url).pathname.startsWith('/hooks/')) return webhook.fetch(request);
    return refuseOtherHosts(request) ?? answerApi(request);
  };
}

/** How long the next run should wait, by what the event loop did lately. */
function watchEventLoop(): () => number {
  let before = performance.eventLoopUtilization();
  let [pauseMs, lookedAt] = [0, performance.now()];
  let held = 0;
  return () => {
    if (performance.now() - lookedAt >= watchedMs) {
      const { utilization } = performance.eventLoopUtilization(before);
      const restraint = restraints.find(({ share }) => utilization > share);
      held = restraint === undefined ? held - 1 : heldTimes;
      pauseMs = restraint?.pauseMs ?? (held > 0 ? gentlestMs : 0);
      [before, lookedAt] = [performance.eventLoopUtilization(), performance.now()];
    }
    return pauseMs;
  };
}

function listen(server: ReturnType<typeof createAdaptorServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const detail =
        cause.code === 'EADDRINUSE' ? `PORT: ${port} is in use; set another, or 0 for any free one.` : `PORT: ${cause.message}.`;
      reject(new GitferryError('invalid_settings', { detail, cause }));
    });
    server.listen(port, loopback, () => resolve((server.address() as AddressInfo).port));
  });
}

async function adminToken({
  adminToken: given,
  dataFolder,
}: LocalSettings): Promise<{ readonly token: string; readonly file: string | undefined }> {
  if (given !== undefined) return { token: given, file: undefined };
  const file = join(dataFolder, 'admin-token');
  const unusable = (cause: NodeJS.ErrnoException): never => {
    throw new GitferryError('invalid_settings', { detail: `GITFERRY_DATA_DIR: admin-token cannot be used (${cause.code}).`, cause });
  };
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? '' : unusable(error)));
  if (kept.trim() !== '') return { token: kept.trim(), file };
  // None yet, or the file was emptied: a token cannot be got back from the table, but another one can be made.
  const token = `gf_${randomBytes(24).toString('base64url')}`;
  await writeFile(file, `${token}\n`, { mode: 0o600 }).catch(unusable);
  return { token, file };
}
