/** The running service between real Git servers: repositories that tests commit to, and deliveries as the forge would send them. */
import { createHmac, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { git, refsOf, temporaryFolder } from './git.ts';
import type { GitHttpServer, GitHttpServerOptions } from './git-http-server.ts';
import { startMotoServer } from './moto-server.ts';
import { started } from './scenario.ts';
import { type ApiAnswer, awsEnvironment, type RunningService, startService, until } from './service.ts';

export interface TestRepository {
  readonly path: string;
  readonly url: string;
  /** Puts a new commit on a branch (made from main if it is new) and resolves with it. */
  commit(branch?: string): Promise<string>;
  /** The commit of a branch, or undefined. */
  at(branch?: string): Promise<string | undefined>;
  refs(): Promise<Record<string, string>>;
}

export interface Forge {
  readonly server: GitHttpServer;
  repository(name: string): Promise<TestRepository>;
}

export interface TestHook {
  readonly id: number;
  readonly url: string;
  readonly secret: string;
}

export interface ServiceScenario {
  readonly folder: string;
  readonly service: RunningService;
  forge(name: string, options?: Omit<GitHttpServerOptions, 'root'>): Promise<Forge>;
  /** Ends the service with a signal and starts it again on the same folder. */
  restart(signal: NodeJS.Signals): Promise<RunningService>;
}

let commits = 0;

/** A service of the test's own; all of it ends with the test. GITFERRY_TEST_AWS=moto: on moto_server instead of the embedded endpoints. */
export async function serviceScenario(environment: Readonly<Record<string, string>> = {}): Promise<ServiceScenario> {
  const folder = await temporaryFolder();
  const aws = process.env['GITFERRY_TEST_AWS'] === 'moto' ? await startMotoServer() : undefined;
  const options = { folder: folder.path, environment: { ...environment, ...(aws === undefined ? {} : awsEnvironment(aws)) } };
  let service = await startService(options);
  onTestFinished(async () => {
    await service.end('SIGKILL');
    await aws?.close();
    await folder.remove();
  });
  return {
    folder: folder.path,
    get service() {
      return service;
    },
    forge: (name, serverOptions) => forge(join(folder.path, name), serverOptions),
    async restart(signal) {
      await service.end(signal);
      service = await startService(options);
      return service;
    },
  };
}

async function forge(root: string, options: Omit<GitHttpServerOptions, 'root'> = {}): Promise<Forge> {
  const server = await started(root, options);
  return {
    server,
    async repository(name) {
      const path = join(root, `${name}.git`);
      await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
      return repository(path, server.url(`${name}.git`));
    },
  };
}

function repository(path: string, url: string): TestRepository {
  const at = async (branch = 'main'): Promise<string | undefined> => (await refsOf(path))[`refs/heads/${branch}`];
  return {
    path,
    url,
    at,
    refs: () => refsOf(path),
    async commit(branch = 'main') {
      const parent = (await at(branch)) ?? (await at());
      const tree = await git(path, ['mktree'], { input: '' });
      const oid = await git(path, [
        'commit-tree',
        tree,
        ...(parent === undefined ? [] : ['-p', parent]),
        '-m',
        `commit ${++commits} ${randomUUID()}`,
      ]);
      await git(path, ['update-ref', `refs/heads/${branch}`, oid]);
      return oid;
    },
  };
}

/** The body of a successful call. */
export function ok(answer: ApiAnswer): ApiAnswer['body'] {
  if (answer.status >= 300) throw new Error(`the API answers ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A project for this repository; resolves with its number. */
export async function createProject({ api }: RunningService, path: string, repositoryUrl: string, more: object = {}): Promise<number> {
  return ok(await api('POST', '/projects', { path, repository_url: repositoryUrl, ...more })).id;
}

export async function createHook({ api }: RunningService, project: number, provider = 'github'): Promise<TestHook> {
  return ok(await api('POST', `/projects/${project}/incoming_hooks`, { provider }));
}

/** A push event as GitHub sends it, signed. */
export function deliverPush(service: RunningService, hook: TestHook, { url }: TestRepository, branch = 'main'): Promise<ApiAnswer> {
  const body = JSON.stringify({ ref: `refs/heads/${branch}`, after: '1'.repeat(40), repository: { full_name: 'x/y', clone_url: url } });
  const signature = `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`;
  return service.deliver(hook.url, { 'x-github-event': 'push', 'x-github-delivery': randomUUID(), 'x-hub-signature-256': signature }, body);
}

/** Waits until a branch is at a commit. */
export function untilAt(target: TestRepository, commit: string, branch = 'main', withinMs?: number): Promise<string> {
  return until(`${branch} at ${commit}`, async () => ((await target.at(branch)) === commit ? commit : undefined), withinMs);
}

/** Waits until no run of a mirror is under way or waiting to be tried again, and resolves with the mirror. */
export function untilSettled({ api }: RunningService, mirror: string): Promise<ApiAnswer['body']> {
  return until(`${mirror} settled`, async () => {
    const answer = ok(await api('GET', mirror));
    return ['finished', 'failed'].includes(answer.update_status) ? answer : undefined;
  });
}
