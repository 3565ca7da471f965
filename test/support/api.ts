/** The REST API for a test file: over HTTP and as Lambda events, on the real adapters and embedded endpoints. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createAdaptorServer } from '@hono/node-server';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { handle } from 'hono/aws-lambda';
import type { ApiDeps } from '../../lib/api/api-deps.ts';
import { endpoints } from '../../lib/api/endpoints.ts';
import { refusalSchema } from '../../lib/api/http/api-error.ts';
import { createApi } from '../../lib/api/http/create-api.ts';
import { findEndpoint } from '../../lib/api/http/find-endpoint.ts';
import { createGuessLimit } from '../../lib/api/http/guess-limit.ts';
import { requestEvent } from '../../lib/api/http/lambda-event.ts';
import { routeSegments } from '../../lib/api/http/route-path.ts';
import { createJobQueue } from '../../lib/aws/job-queue.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../lib/aws/records.ts';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import { createLog } from '../../lib/core/log.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import type { AccessToken, Role } from '../../lib/model/access-token.ts';
import { parseJob } from '../../lib/model/job.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { startTestAws } from './aws.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
export type Json = any;

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined if there is no body. */
  readonly body: Json;
}

export interface CallOptions {
  readonly token?: string;
  /** An object is sent as JSON, URLSearchParams and FormData as forms, text as it is. */
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestApi {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly deps: ApiDeps;
  readonly ownerToken: string;
  readonly logLines: string[];
  /** Tests may set what a dry run answers. */
  plan: ApiDeps['plan'];
  /** And what a channel's test does. */
  testChannel: ApiDeps['testChannel'];
  /** And what a listing of the source does. */
  listSource: ApiDeps['listSource'];
  /** With the owner's token unless another is given (`''` = none). `path` is below /api/v4 if it does not begin with it. */
  call(method: string, path: string, options?: CallOptions): Promise<ApiAnswer>;
  /** As API Gateway's payload 2.0 with a decoded path. */
  lambda(
    method: string,
    decodedPath: string,
    options?: CallOptions & { readonly query?: string; readonly base64?: boolean },
  ): Promise<ApiAnswer>;
  newToken(role: Role, options?: Partial<Pick<AccessToken, 'projectIds' | 'expiresAt' | 'name'>>): Promise<string>;
  newProject(path?: string, body?: object): Promise<{ readonly id: number; readonly path: string }>;
  /** With the number of calls to DynamoDB that `action` makes. */
  countTableCalls<T>(action: () => Promise<T>): Promise<{ readonly result: T; readonly calls: number }>;
  /** What waits on the queue now; taken from it. */
  wakeUps(): Promise<MirrorKey[]>;
  close(): Promise<void>;
}

export const emptyOutcome: RunOutcome = {
  outcome: 'success',
  error: null,
  refs: [],
  counts: { created: 0, updated: 0, forced: 0, deleted: 0, diverged: 0, kept: 0, rejected: 0, raced: 0, unreadable: 0 },
  bytes: 0,
  duration_ms: 1,
  dry_run: true,
  notes: [],
  lfs: null,
};

const publicUrl = 'https://ferry.example.org';

/** `publicUrl` is a made-up one unless clients are to follow links. */
export async function startTestApi({ isPublicHere = false, allowAddresses = [] as readonly string[] } = {}): Promise<TestApi> {
  const aws = await startTestAws();
  const { dynamo, sqs, secrets } = aws.clients;
  const counted = new AsyncLocalStorage<{ calls: number }>();
  dynamo.middlewareStack.add(
    (next) => (args) => {
      const count = counted.getStore();
      if (count !== undefined) count.calls++;
      return next(args);
    },
    { step: 'initialize' },
  );
  const logLines: string[] = [];
  const clock = { now: () => Date.now(), random: () => Math.random() };
  const log = createLog((line) => logLines.push(line), 'debug');
  let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 });
  const server = createAdaptorServer({ fetch: (request) => answer(request) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const deps: ApiDeps = {
    records: createRecords({ dynamo, tableName: aws.tableName, clock }),
    jobs: createMirrorJobs({ dynamo, tableName: aws.tableName }),
    queue: createJobQueue({ sqs, queueUrl: aws.queueUrl, log }),
    secrets: createSecretStore({ secrets, prefix: aws.secretPrefix, clock }),
    clock,
    log,
    guard: createAddressGuard(allowAddresses),
    guesses: createGuessLimit(),
    sso: undefined,
    testChannel: (channel) => api.testChannel(channel),
    publicUrl: isPublicHere ? origin : publicUrl,
    plan: (input) => api.plan(input),
    listSource: (input) => api.listSource(input),
  };
  const app = createApi(deps);
  answer = app.fetch;
  const lambdaHandler = handle(app);

  async function newToken(role: Role, { projectIds = null, expiresAt = null, name = role }: Partial<AccessToken> = {}): Promise<string> {
    const value = `gf_${randomBytes(24).toString('base64url')}`;
    await deps.records.tokens.create({ name, role, projectIds, expiresAt, createdAt: clock.now(), tokenHash: hashToken(value) });
    return value;
  }
  const ownerToken = await newToken('owner', { name: 'root' });
  let made = 0;

  const api: TestApi = {
    origin,
    deps,
    ownerToken,
    logLines,
    plan: async () => emptyOutcome,
    testChannel: async () => ({ ok: true, words: 'HTTP 204' }),
    listSource: async () => ({ branches: ['main'], tags: [] }),
    newToken,
    async call(method, path, options = {}) {
      const { headers, body } = requestOf(options, ownerToken);
      const url = path.startsWith('/api/') || path === '/health' ? path : `/api/v4${path}`;
      const response = await fetch(origin + url, { method, headers, ...(body === undefined ? {} : { body }) });
      return answerOf({ method, path: url }, response.status, response.headers, await response.text());
    },
    async lambda(method, decodedPath, options = {}) {
      const { headers, body } = requestOf(options, ownerToken);
      const text = body === undefined ? undefined : String(body);
      const event = {
        version: '2.0',
        routeKey: '$default',
        rawPath: decodedPath.startsWith('/api/') ? decodedPath : `/api/v4${decodedPath}`,
        rawQueryString: options.query ?? '',
        headers: { host: 'gateway.example.org', ...Object.fromEntries(headers) },
        requestContext: {
          domainName: 'gateway.example.org',
          http: { method, path: decodedPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' },
        },
        isBase64Encoded: options.base64 ?? false,
        ...(text === undefined ? {} : { body: options.base64 ? Buffer.from(text).toString('base64') : text }),
      } as unknown as APIGatewayProxyEventV2;
      const result = (await lambdaHandler(requestEvent(event) as never)) as APIGatewayProxyStructuredResultV2;
      if (result.isBase64Encoded && result.body !== '') throw new Error('a text answer came in base64');
      return answerOf(
        { method, path: event.rawPath },
        result.statusCode ?? 0,
        new Headers(result.headers as Record<string, string>),
        result.body ?? '',
      );
    },
    async newProject(path = `group/project-${++made}`, body = {}) {
      const repository = `https://git.example.org/${path}.git`;
      const answer = await api.call('POST', '/projects', { body: { path, repository_url: repository, ...body } });
      if (answer.status !== 201) throw new Error(`no project: ${answer.text}`);
      return { id: answer.body.id, path };
    },
    async countTableCalls(action) {
      const count = { calls: 0 };
      const result = await counted.run(count, action);
      return { result, ...count };
    },
    async wakeUps() {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 3600 }),
      );
      const keys = messages.flatMap(({ Body: text = '' }) => parseJob(text) ?? []);
      return messages.length < 10 ? keys : [...keys, ...(await api.wakeUps())];
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      await aws.close();
    },
  };
  return api;
}

function requestOf({ token, body, headers = {} }: CallOptions, ownerToken: string) {
  const all = new Headers(headers);
  const value = token ?? ownerToken;
  if (value !== '') all.set('private-token', value);
  if (body === undefined || typeof body === 'string' || body instanceof FormData) return { headers: all, body };
  if (body instanceof URLSearchParams) {
    all.set('content-type', 'application/x-www-form-urlencoded');
    return { headers: all, body: body.toString() };
  }
  if (!all.has('content-type')) all.set('content-type', 'application/json');
  return { headers: all, body: JSON.stringify(body) };
}

function answerOf(call: SentCall, status: number, headers: Headers, text: string): ApiAnswer {
  const body: Json = text === '' ? undefined : JSON.parse(text);
  checkAnswer(call, status, body);
  return { status, headers, text, body };
}

interface SentCall {
  readonly method: string;
  readonly path: string;
}

/** Throws unless this is what the call's schema says, field by field: none missing, and none that it does not name. */
function checkAnswer({ method, path }: SentCall, status: number, body: Json): void {
  const found = findEndpoint(endpoints, method, routeSegments(new URL(path, publicUrl).pathname) ?? []);
  if (!('endpoint' in found) || method === 'HEAD') return;
  const { answers } = found.endpoint;
  if (status < 400 && !Object.hasOwn(answers, status)) throw new Error(`${method} ${path} answered ${status}, which it does not declare`);
  const schema = status < 400 ? answers[status] : refusalSchema;
  const described = schema?.safeParse(body) ?? { success: body === undefined, data: undefined, error: 'it has a body' };
  if (!described.success || !isDeepStrictEqual(described.data, body))
    throw new Error(`${method} ${path} answered ${status}, but not as its schema says: ${described.error ?? 'it has other fields, too'}`);
}
