/** The whole service on this machine: the real functions behind an HTTP server, a queue poller and a minute timer, on embedded AWS endpoints. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { Context } from 'aws-lambda';
import { createAwsClients } from '../lib/aws/clients.ts';
import { createQueue, createResources } from '../lib/aws/create-resources.ts';
import { createJobReceiver } from '../lib/aws/job-queue.ts';
import { deleteExpiredItems } from '../lib/aws/table/expired-items.ts';
import { GitferryError } from '../lib/core/errors.ts';
import { createLog } from '../lib/core/log.ts';
import type { LocalSettings } from '../lib/core/service-settings.ts';
import { startAwsEndpointsThread } from '../lib/local/aws-endpoints-thread.ts';
import { claimDataFolder } from '../lib/local/data-folder.ts';
import { pollQueue, startTicking } from '../lib/local/event-sources.ts';
import { loopback } from '../lib/local/guarded-server.ts';
import { createHostCheck } from '../lib/local/host-check.ts';
import type { StorageReport } from '../lib/local/table-endpoint.ts';
import { hashToken } from '../lib/model/token-hash.ts';
import { checkSsoFile } from './sso-wiring.ts';
import { hasAwsEndpoints, logSink, setEnvironment } from './wiring.ts';

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
  const closers: (() => Promise<unknown>)[] = [() => new Promise((resolve) => server.close(resolve))];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const isEmbedded = !hasAwsEndpoints();
    if (isEmbedded || settings.adminToken === undefined) await claimDataFolder(settings.dataFolder);
    if (isEmbedded) {
      // Anybody on this machine can reach the endpoints: they answer only to whoever knows this.
      const accessKeyId = `gitferry-${randomBytes(16).toString('hex')}`;
      const storageLog = createLog(logSink(), settings.logLevel);
      const report: StorageReport = (event, detail) =>
        storageLog.write(event === 'disk_full' || event === 'table_failed' ? 'error' : 'info', event, { detail });
      const worker = new URL('./aws-endpoints-worker.js', import.meta.url);
      const endpoints = await startAwsEndpointsThread(settings.dataFolder, worker, accessKeyId, report).catch((cause: Error) => {
        throw new GitferryError('invalid_settings', { detail: `GITFERRY_DATA_DIR: ${cause.message}`, cause });
      });
      closers.push(() => endpoints.close());
      setEnvironment({
        AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamoDb,
        AWS_ENDPOINT_URL_SQS: endpoints.sqs,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: 'gitferry',
        // The person's own are not meant for these endpoints.
        AWS_SESSION_TOKEN: undefined,
        AWS_PROFILE: undefined,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      });
    }
    const clients = createAwsClients();
    closers.push(async () => clients.close());
    const madeQueueUrl = await createResources(clients, settings.table, settings.table);
    const queueUrl = settings.queueUrl ?? madeQueueUrl;
    const notifyQueueUrl = settings.notifyQueueUrl ?? (await createQueue(clients, `${settings.table}-notify`, 300));
    setEnvironment({
      GITFERRY_TABLE: settings.table,
      GITFERRY_QUEUE_URL: queueUrl,
      GITFERRY_NOTIFY_QUEUE_URL: notifyQueueUrl,
      GITFERRY_PUBLIC_URL: settings.publicUrl ?? origin,
      GITFERRY_SECRET_PREFIX: settings.secretPrefix,
      GITFERRY_ALLOW_ADDRESSES: settings.allowAddresses.join(','),
      GITFERRY_WORKERS: String(settings.workers),
      GITFERRY_LOG_LEVEL: settings.logLevel,
    });
    // Only now: the functions read their settings when they are loaded, as on Lambda.
    const [{ wireLocal }, { workAlone }] = await Promise.all([import('./service-wiring.ts'), import('./shared-service.ts')]);
    if (isEmbedded) workAlone();
    const [{ app: webhook }, { app: api }, worker, schedule, notify] = await Promise.all([
      import('./webhook.ts'),
      import('./api.ts'),
      import('./worker.ts'),
      import('./schedule.ts'),
      import('./notify.ts'),
    ]);
    const { log, tokens, noteChange, interruptJobs, recover, close: closeClients } = wireLocal();
    closers.push(async () => closeClients());
    const admin = await adminToken(settings);
    const tokenHash = hashToken(admin.token);
    if ((await tokens.find(tokenHash)) === undefined) {
      await tokens.create({ name: 'admin', tokenHash, role: 'owner', projectIds: null, expiresAt: null, createdAt: Date.now() });
    }

    const context = (): Pick<Context, 'getRemainingTimeInMillis'> => {
      const end = performance.now() + invocationMs;
      return { getRemainingTimeInMillis: () => end - performance.now() };
    };
    // With the endpoints embedded, nobody but this process works on the table: what holds a lease now was killed.
    if (isEmbedded) await recover();
    const poller = pollQueue(
      createJobReceiver({ sqs: clients.sqs, queueUrl }),
      async ({ id, body }) => {
        const { batchItemFailures } = await worker.handler({ Records: [{ messageId: id, body }] }, context());
        return batchItemFailures.length === 0;
      },
      { most: settings.workers, pauseMs: watchEventLoop() },
      log,
    );
    const notifier = pollQueue(
      createJobReceiver({ sqs: clients.sqs, queueUrl: notifyQueueUrl }),
      async ({ id, body }) => (await notify.handler({ Records: [{ messageId: id, body }] })).batchItemFailures.length === 0,
      { most: notifiedAtOnce, pauseMs: () => 0 },
      log,
    );
    // The embedded table has no time to live.
    const cleaning = isEmbedded
      ? startTicking((time) => deleteExpiredItems({ dynamo: clients.dynamo, tableName: settings.table }, time), dayMs, log)
      : undefined;
    const ticking = startTicking(
      (time) => schedule.handler({ 'detail-type': 'Scheduled Event', time: new Date(time).toISOString() }, context()),
      tickMs,
      log,
    );
    closers.push(async () => {
      interruptJobs();
      await Promise.all([poller.stop(), notifier.stop(), ticking.stop(), cleaning?.stop()]);
    });
    const answerApi = async (request: Request): Promise<Response> => {
      try {
        return await api.fetch(request);
      } finally {
        if (request.method !== 'GET' && request.method !== 'HEAD') noteChange();
      }
    };
    const refuseOtherHosts = createHostCheck(loopback, settings.publicUrl);
    answer = (request) => {
      // With whatever host a tunnel or proxy names: a delivery is believed for its proof, and its answer tells nothing.
      if (new URL(request.url).pathname.startsWith('/hooks/')) return webhook.fetch(request);
      return refuseOtherHosts(request) ?? answerApi(request);
    };
    return { origin, adminToken: admin.token, adminTokenFile: admin.file, close };
  } catch (error) {
    await close();
    throw error;
  }
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
