/** `npm start` as people run it: dist/start.js in a process of its own, on a free port and a temporary folder, and a client for its API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AwsEndpoints } from '../../lib/local/aws-endpoints.ts';

/** Beside the bundled benchmark, or from the tests' own folder. */
const start = new URL(import.meta.url.includes('/dist/') ? 'start.js' : '../../dist/start.js', import.meta.url).pathname;
const adminToken = 'test-admin-token';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, not relied on
  readonly body: any;
}

export interface RunningService {
  readonly origin: string;
  readonly process: ChildProcess;
  /** All that it wrote to standard output and standard error. */
  output(): string;
  /** Calls /api/v4 as the first owner (or with `token`). */
  api(method: string, path: string, body?: unknown, token?: string): Promise<ApiAnswer>;
  /** Posts to a hook's URL. */
  deliver(url: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array): Promise<ApiAnswer>;
  /** Ends it with a signal and resolves with its exit status. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ServiceOptions {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Resolves when the ready line is there; rejects with the output if it ends before. */
export async function startService({ folder, environment = {} }: ServiceOptions): Promise<RunningService> {
  const child = spawn(process.execPath, [start], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      GITFERRY_DATA_DIR: join(folder, 'data'),
      GITFERRY_ADMIN_TOKEN: adminToken,
      GITFERRY_ALLOW_ADDRESSES: '127.0.0.1/32',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const origin = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      output += `${line}\n`;
      const ready = /^gitferry is ready on (\S+)$/.exec(line)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    void ended.then((code) => reject(new Error(`npm start ended with ${code}: ${output}`)));
  });
  return {
    origin,
    process: child,
    output: () => output,
    api: (method, path, body, token = adminToken) =>
      call(`${origin}/api/v4${path}`, {
        method,
        headers: { 'private-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    deliver: (url, headers, body) => call(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }),
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Points the service at AWS endpoints of the test's own instead of embedded ones. */
export function awsEnvironment({ dynamoDb, sqs, secretsManager }: Omit<AwsEndpoints, 'close'>): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDb,
    AWS_ENDPOINT_URL_SQS: sqs,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

async function call(url: string, init: RequestInit): Promise<ApiAnswer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** Asks until the answer is not undefined; more and more seldom, because what asks takes the time of what is waited for. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, withinMs = 60_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.3, 250)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
