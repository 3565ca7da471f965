/** The webhook endpoint over the real adapters and an HTTP server, for tests: projects and hooks to deliver to, and what the deliveries left behind. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { createJobQueue, createJobReceiver } from '../../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../lib/aws/records.ts';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import type { Clock } from '../../lib/core/clock.ts';
import { createLog } from '../../lib/core/log.ts';
import { requestRuns } from '../../lib/jobs/requests/request-run.ts';
import type { Hook, Provider } from '../../lib/model/hook.ts';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import type { Mirror, MirrorKey, MirrorSettings } from '../../lib/model/mirror.ts';
import type { Project } from '../../lib/model/project.ts';
import type { Records } from '../../lib/model/records.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import type { RequestRuns } from '../../lib/webhook/handle-delivery.ts';
import { createWebhookApp, type WebhookDeps } from '../../lib/webhook/receive.ts';
import { startTestAws } from '../support/aws.ts';
import { sampleMirror } from '../support/sample-records.ts';
import type { Headers } from './samples.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface TestHook {
  readonly hook: Hook;
  /** What is pasted at the provider. */
  readonly path: string;
  readonly secret: string;
}

export interface WebhookService {
  readonly app: Hono;
  readonly port: number;
  readonly deps: WebhookDeps;
  readonly records: Records;
  readonly clock: Clock;
  /** Every line logged. */
  readonly logged: string[];
  readonly requestRuns: RequestRuns;
  /** Moves the service's clock, so that what it remembers grows old. */
  pass(ms: number): void;
  createProject(repositoryUrl: string): Promise<Project>;
  createMirror(projectId: number, settings?: Partial<MirrorSettings> & { readonly direction?: 'push' | 'pull' }): Promise<Mirror>;
  createHook(projectId: number, provider: Provider): Promise<TestHook>;
  secretOf(hook: Hook, generation?: number): Promise<string>;
  /** `rawHeaders` as pairs, where one is to be sent twice. */
  send(
    method: string,
    path: string,
    headers: Headers | readonly (readonly [string, string])[],
    body?: string | Uint8Array,
  ): Promise<Answer>;
  mirror(key: MirrorKey): Promise<Mirror>;
  /** Messages on the queue; each is seen once. */
  messages(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function startWebhookService(): Promise<WebhookService> {
  const aws = await startTestAws();
  let offset = 0;
  const clock: Clock = { now: () => Date.now() + offset, random: () => 0.5 };
  const logged: string[] = [];
  const log = createLog((line) => logged.push(line), 'debug');
  const { dynamo, sqs } = aws.clients;
  const records = createRecords({ dynamo, tableName: aws.tableName, clock });
  const jobs = createMirrorJobs({ dynamo, tableName: aws.tableName });
  const queue = createJobQueue({ sqs, queueUrl: aws.queueUrl, log });
  const secrets = createSecretStore({ secrets: aws.clients.secrets, prefix: aws.secretPrefix, clock });
  const receiver = createJobReceiver({ sqs, queueUrl: aws.queueUrl });
  const ask: RequestRuns = (keys, who) =>
    requestRuns(keys, { trigger: { kind: 'event', who } }, { jobs, queue, settings: records.settings, clock, log });
  const deps: WebhookDeps = { ...records, secrets, clock, log, requestRuns: ask };
  const app = createWebhookApp(deps);
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let projects = 0;
  const secretOf = async (hook: Hook, generation = hook.generation): Promise<string> =>
    hookSecret(await secrets.signingKey(), { tokenHash: hook.tokenHash, generation });

  return {
    app,
    port,
    deps,
    records,
    clock,
    logged,
    requestRuns: ask,
    pass(ms) {
      offset += ms;
    },
    async createProject(repositoryUrl) {
      const settings = {
        path: `group/project-${++projects}`,
        repositoryUrl,
        authMethod: 'password',
        credential: null,
        hostKeys: [],
        publicKey: null,
      } as const;
      return (await records.projects.create(settings, clock.now()))!;
    },
    async createMirror(projectId, { direction = 'push', ...settings } = {}) {
      const all = sampleMirror({ url: 'https://backup.example.com/tools/anvil.git', ...settings });
      return (await records.mirrors.create(projectId, direction, all, { now: clock.now(), dueAt: clock.now() + 3_600_000 })) as Mirror;
    },
    async createHook(projectId, provider) {
      const token = newHookToken(projectId);
      const hook = (await records.hooks.create(projectId, { provider, tokenHash: hashToken(token) }, clock.now()))!;
      return { hook, path: `/hooks/${token}`, secret: await secretOf(hook) };
    },
    secretOf,
    send: (method, path, headers, body) => sendTo(port, method, path, headers, body),
    mirror: async (key) => (await records.mirrors.get(key))!,
    async messages() {
      const found: string[] = [];
      for (;;) {
        const batch = await receiver.receive({ waitSeconds: 0, max: 10, signal: new AbortController().signal });
        if (batch.length === 0) return found;
        found.push(...batch.map(({ body }) => body));
        await receiver.acknowledge(batch.map(({ receipt }) => receipt));
      }
    },
    async close() {
      server.close();
      await aws.close();
    },
  };
}

function sendTo(
  port: number,
  method: string,
  path: string,
  headers: Headers | readonly (readonly [string, string])[],
  body: string | Uint8Array = '',
): Promise<Answer> {
  const pairs = Array.isArray(headers) ? (headers as readonly (readonly [string, string])[]) : Object.entries(headers as Headers);
  const isChunked = pairs.some(([name]) => name === 'transfer-encoding');
  const length: [string, string][] = isChunked ? [] : [['content-length', String(Buffer.byteLength(body))]];
  const raw = [...length, ['host', `127.0.0.1:${port}`] as const, ...pairs].flat();
  return new Promise((resolve, reject) => {
    // A connection of its own: one that was refused in the middle of a body is not used again.
    const sent = request({ host: '127.0.0.1', port, method, path, headers: raw, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = text !== '' && response.headers['content-type'] === 'application/json';
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
