import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import type { AwsCredentials } from '../../lib/credentials/aws/sigv4.ts';
import type { SignInMeans } from '../../lib/credentials/sign-in.ts';
import { runSync } from '../../lib/jobs/runs/run-sync.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { appId, appKey, type GithubServer, type GithubState, signText, startGithubServer } from '../support/github-app-server.ts';
import { type JobBench, openJobBench } from '../support/job-bench.ts';
import { noon, plainMirror, plainProject } from '../support/mirrors.ts';
import { line, scenario } from '../support/scenario.ts';
import { signInMeans } from '../support/sign-in-means.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

interface World extends GithubServer {
  readonly folder: string;
}

async function github(state: Partial<GithubState> = {}, names: readonly string[] = ['app']): Promise<World> {
  const folder = await temporaryFolder();
  for (const name of names) {
    const path = join(folder.path, 'acme', name);
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
    await git(path, ['config', 'http.receivepack', 'true']);
  }
  const server = await startGithubServer(folder.path, state);
  onTestFinished(() => server.git.close());
  return { ...server, folder: folder.path };
}

interface AppOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** null = none is stored. */
  readonly key?: string | null;
}

async function newApp({ git: { origin } }: World, { settings = { app_id: appId }, key = appKey }: AppOptions = {}): Promise<number> {
  const secretName = key === null ? null : await bench.secrets.create('credential', { username: '', password: '', privateKey: key });
  const { id } = await bench.records.credentials.create({
    ...{ name: 'app', authMethod: 'github_app', settings, secretName, allowedUrls: [`${origin}/`], createdAt: noon, updatedAt: noon },
  });
  return id;
}

const clock = { now: Date.now, random: Math.random };

/** One process: what it knows of tokens is shared by its runs. */
function process(aws?: AwsCredentials, kms?: string): SignInMeans {
  return signInMeans({ clock, aws, endpoints: { kms } });
}

async function push(world: World, credentialId: number, sourceUrl: string, { signIn = process(), name = 'app' } = {}) {
  const deadline = createDeadline(60_000);
  try {
    return await runSync(
      {
        mirror: {
          ...plainMirror,
          url: `${world.git.origin}/acme/${name}`,
          authMethod: 'github_app',
          credential: { kind: 'shared', credentialId },
        },
        project: { ...plainProject, repositoryUrl: sourceUrl },
        ...{ dryRun: false, confirmDeletions: false, maxDeletionsPercent: 50 },
      },
      {
        ...{ deadline, secrets: bench.secrets, credentials: bench.records.credentials, signIn },
        ...{ connect: bench.connect, connectLfs: bench.connectLfs },
      },
    );
  } finally {
    deadline.clear();
  }
}

const source = () => scenario({ parents: line, source: { 'heads/main': 'c2', 'tags/v1': 'c1' }, target: {} });
const tokenCalls = ({ calls }: World) => calls.filter((call) => call.endsWith('/access_tokens'));

describe('a mirror that signs in as a GitHub App', () => {
  it('is pushed to with a token for its repository and what a push needs, asked for once', async () => {
    const world = await github();
    const { sourceUrl } = await source();
    const app = await newApp(world);
    const signIn = process();
    const { outcome, redactor } = await push(world, app, sourceUrl, { signIn });
    expect(outcome).toMatchObject({ outcome: 'success', error: null });
    expect(Object.keys(await refsOf(join(world.folder, 'acme/app'))).sort()).toEqual(['refs/heads/main', 'refs/tags/v1']);
    expect(world.tokens).toMatchObject([
      { repositories: ['app'], permissions: { contents: 'write', metadata: 'read', workflows: 'write' } },
    ]);
    expect(redactor.redact(`it said ${world.tokens[0]?.token}`)).toBe('it said *****');
    expect((await push(world, app, sourceUrl, { signIn })).outcome.outcome).toBe('success');
    expect(world.calls).toEqual(['GET /repos/acme/app/installation', 'POST /app/installations/4711/access_tokens']);
  });

  it('is read with a token that can only read', async () => {
    const world = await github({ permissions: { contents: 'read', metadata: 'read' } });
    const credentialId = await newApp(world);
    const target = await source();
    const deadline = createDeadline(60_000);
    const { outcome } = await runSync(
      {
        mirror: { ...plainMirror, url: target.targetUrl },
        project: { ...plainProject, repositoryUrl: `${world.git.origin}/acme/app`, credential: { kind: 'shared', credentialId } },
        ...{ dryRun: false, confirmDeletions: false, maxDeletionsPercent: 50 },
      },
      {
        ...{ deadline, secrets: bench.secrets, credentials: bench.records.credentials, signIn: process() },
        ...{ connect: bench.connect, connectLfs: bench.connectLfs },
      },
    );
    deadline.clear();
    expect(outcome.error?.code).toBe('source_empty');
    expect(world.tokens).toMatchObject([{ repositories: ['app'], permissions: { contents: 'read', metadata: 'read' } }]);
  });

  it('gets another token when its own is about to end, and one more when a host refuses it in the middle', async () => {
    const world = await github({ livesMs: 60_000 });
    const { sourceUrl } = await source();
    const app = await newApp(world);
    const signIn = process();
    await push(world, app, sourceUrl, { signIn });
    expect(tokenCalls(world).length).toBeGreaterThan(1);
    world.state.livesMs = 3_600_000;
    await push(world, app, sourceUrl, { signIn });
    const before = world.tokens.length;
    for (const token of world.tokens) token.isRevoked = true;
    expect((await push(world, app, sourceUrl, { signIn })).outcome.outcome).toBe('success');
    expect(world.tokens.length).toBe(before + 1);
  });

  it('is tried once more and no oftener where every token is refused', async () => {
    const world = await github({ areTokensDead: true });
    const { sourceUrl } = await source();
    const credentialId = await newApp(world);
    const { outcome } = await push(world, credentialId, sourceUrl);
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'credentials_refused' } });
    expect(world.tokens.length).toBe(2);
  });

  it.each([
    ['ahead', -240_000],
    ['behind', 240_000],
  ])('goes by the clock of the host where ours is four minutes %s', async (_how, skewMs) => {
    const world = await github({ skewMs });
    const { sourceUrl } = await source();
    const { outcome } = await push(world, await newApp(world), sourceUrl);
    expect(outcome.error).toBeNull();
  });

  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  it.each<[string, Partial<GithubState>, AppOptions, string]>([
    ['whose key is no RSA key', {}, { key: ed25519 }, 'app_key_invalid'],
    ['whose key is a part of one', {}, { key: appKey.slice(0, 400) }, 'app_key_invalid'],
    ['whose key is that of another App', {}, { key: other }, 'app_refused'],
    ['whose id is another one', {}, { settings: { app_id: '99' } }, 'app_refused'],
    ['that has no key', {}, { key: null }, 'app_key_invalid'],
    ['that is not installed for this repository', { repositories: ['other'] }, {}, 'app_not_installed'],
    ['whose given installation is gone', {}, { settings: { app_id: appId, installation_id: '5' } }, 'app_not_installed'],
    ['whose installation is suspended', { isSuspended: true }, {}, 'app_suspended'],
    ['that may only read', { permissions: { contents: 'read', metadata: 'read' } }, {}, 'app_permission_missing'],
    ['that has no permission on contents', { permissions: { metadata: 'read' } }, {}, 'app_permission_missing'],
    [
      'that the host denies, naming what it wants',
      {
        intercept: (request, response) => {
          if (request.method !== 'POST') return false;
          const headers = { 'content-type': 'application/json', 'x-accepted-github-permissions': 'administration=write' };
          response.writeHead(403, headers).end(JSON.stringify({ message: `no, ${request.headers.authorization}` }));
          return true;
        },
      },
      {},
      'app_permission_missing',
    ],
    [
      'that asks too often',
      {
        intercept: (_, response) => {
          response.writeHead(403, { 'retry-after': '60', 'content-type': 'application/json' }).end('{"message":"slow down"}');
          return true;
        },
      },
      {},
      'rate_limited',
    ],
    [
      'whose host answers something else',
      {
        intercept: (_, response) => {
          response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
          return true;
        },
      },
      {},
      'protocol_error',
    ],
  ])('fails as an App %s, by code and without its secrets', async (_name, state, options, code) => {
    const world = await github(state);
    const { sourceUrl } = await source();
    const { outcome } = await push(world, await newApp(world, options), sourceUrl);
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code } });
    if (state.intercept !== undefined && code === 'app_permission_missing')
      expect(outcome.error?.message).toContain('administration=write');
    expect(JSON.stringify(outcome)).not.toMatch(/eyJ|PRIVATE KEY|MII|canary/);
    expect(world.calls.length).toBeLessThan(8);
    expect(await refsOf(join(world.folder, 'acme/app'))).toEqual({});
  });

  it('needs no restart once an owner has given it more permissions', async () => {
    const world = await github({ permissions: { contents: 'read', metadata: 'read' } });
    const { sourceUrl } = await source();
    const app = await newApp(world);
    const signIn = process();
    expect((await push(world, app, sourceUrl, { signIn })).outcome.error?.code).toBe('app_permission_missing');
    world.state.permissions = { contents: 'write', metadata: 'read' };
    expect((await push(world, app, sourceUrl, { signIn })).outcome.error).toBeNull();
    expect(world.tokens.at(-1)?.permissions).toEqual({ contents: 'write', metadata: 'read' });
  });

  it('asks for one token a repository and hour, and for the installation once', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `app-${n}`);
    const world = await github({}, names);
    const { sourceUrl } = await source();
    const app = await newApp(world);
    const signIn = process();
    await push(world, app, sourceUrl, { signIn, name: 'app-0' });
    for (const _ of [1, 2]) await Promise.all(names.map((name) => push(world, app, sourceUrl, { signIn, name })));
    expect(tokenCalls(world).length).toBe(12);
    expect(world.calls.length).toBe(13);
  });
});

describe('an App whose key is in KMS', () => {
  const own = { accessKeyId: 'ASIAWORKER', secretAccessKey: 'worker/secret' };
  const keyId = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

  async function startKms(refusal?: string) {
    const inputs: Record<string, string>[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const input = JSON.parse(body) as Record<string, string>;
      inputs.push(input);
      const isSign =
        request.headers['x-amz-target'] === 'TrentService.Sign' &&
        /^AWS4-HMAC-SHA256 Credential=ASIAWORKER\//.test(String(request.headers.authorization));
      if (refusal !== undefined || !isSign) {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(
          JSON.stringify({ __type: refusal ?? 'UnknownOperationException', message: `User ${own.secretAccessKey} is not authorized` }),
        );
        return;
      }
      const Signature = sign('RSA-SHA256', Buffer.from(String(input['Message']), 'base64'), signText).toString('base64');
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ KeyId: keyId, Signature, SigningAlgorithm: input['SigningAlgorithm'] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return { inputs, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
  }

  it('signs there, and the key is nowhere else', async () => {
    const kms = await startKms();
    const world = await github();
    const { sourceUrl } = await source();
    const app = await newApp(world, { settings: { app_id: appId, kms_key_id: keyId }, key: null });
    expect((await push(world, app, sourceUrl, { signIn: process(own, kms.endpoint) })).outcome.error).toBeNull();
    expect(kms.inputs[0]).toMatchObject({ KeyId: keyId, MessageType: 'RAW', SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256' });
  });

  it.each([
    ['AccessDeniedException', own, 'kms_denied'],
    ['com.amazonaws.kms#DisabledException', own, 'kms_denied'],
    ['', undefined, 'aws_credentials_missing'],
  ])('fails by code where KMS says %s', async (refusal, aws, code) => {
    const kms = await startKms(refusal);
    const world = await github();
    const { sourceUrl } = await source();
    const app = await newApp(world, { settings: { app_id: appId, kms_key_id: keyId }, key: null });
    const { outcome } = await push(world, app, sourceUrl, { signIn: process(aws, kms.endpoint) });
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code } });
    expect(outcome.error?.message).toContain(refusal.split('#').at(-1));
    expect(JSON.stringify(outcome)).not.toMatch(/worker\/secret/);
  });
});
