/** One suite for every family of hosts: the same questions, answered by a server of each kind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDeadline, type Deadline } from '../../lib/core/deadline.ts';
import type { HostSession, Offered, RepositoryPage } from '../../lib/hosts/host.ts';
import { HostBudget } from '../../lib/hosts/host-budget.ts';
import { openHost } from '../../lib/hosts/open-host.ts';
import { recogniseHost } from '../../lib/hosts/recognise-host.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient, type HttpClient } from '../../lib/net/http-client.ts';
import type { Forge, ForgeKind } from '../support/forge.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';

const kinds: readonly ForgeKind[] = ['github', 'gitlab', 'forgejo', 'gitea', 'gogs'];
const webhook = { url: 'https://ferry.example/hooks/abcdef', secret: 'a-secret-of-the-webhook' };
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHq0Lxm2mU6hX6bCq2y0J0v5l0m3vG5mBq8y1yq9h0fA ada@laptop';

let http: HttpClient;
let deadline: Deadline;
let server: ForgeServer;
let forge: Forge;
let host: HostSession;
let now: number;

async function start(kind: ForgeKind, token?: string): Promise<void> {
  server = await startForge(kind);
  forge = server.forge;
  host = open(kind, token);
}

function deps() {
  return { http, signal: deadline.signal, budget: new HostBudget({ now: () => now }) };
}

function open(kind: ForgeKind, token = forge.token): HostSession {
  return openHost(kind, new URL(forge.origin), { username: 'ada', password: token }, deps());
}

beforeEach(() => {
  now = 1_800_000_000_000;
  http = createHttpClient(createAddressGuard(['127.0.0.1/32']));
  deadline = createDeadline(60_000);
});
afterEach(async () => {
  deadline.clear();
  await http.close();
  await server[Symbol.asyncDispose]();
});

function doneValue<T>(offered: Offered<T>): T {
  if (offered.kind !== 'done') throw new Error(`${offered.kind}: ${offered.why}`);
  return offered.value;
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: { code?: string }) => error.code,
  );

describe.each(kinds)('a host of the family %s', (kind) => {
  beforeEach(() => start(kind));

  it('is recognised without a credential', async () => {
    expect(await recogniseHost(new URL(forge.origin), deps())).toBe(kind);
    expect(forge.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  it('tells who signs in, and a wrong token by code', async () => {
    expect(doneValue(await host.whoAmI()).name).toBe('ada');
    expect(await codeOf(open(kind, 'wrong-token-0123456789').whoAmI())).toBe('credentials_refused');
  });

  it('takes the user name as the token where there is no password', async () => {
    const session = openHost(kind, new URL(forge.origin), { username: forge.token, password: '' }, deps());
    expect(doneValue(await session.whoAmI()).name).toBe('ada');
  });

  it('describes a repository, and one that is not there as undefined', async () => {
    forge.add('acme/app', { description: 'An app', visibility: 'public', defaultBranch: 'trunk' });
    expect(doneValue(await host.describe('acme/app'))).toMatchObject({
      path: 'acme/app',
      description: 'An app',
      visibility: 'public',
      defaultBranch: 'trunk',
      isArchived: false,
      httpUrl: `${forge.origin}/acme/app.git`,
      may: { read: true, write: true, administer: true },
    });
    expect(doneValue(await host.describe('acme/none'))).toBeUndefined();
  });

  it.each(['ada/new', 'acme/new'])('creates %s once, private and without a commit', async (path) => {
    const wanted = { path, description: 'A mirror', visibility: 'private' } as const;
    expect(doneValue(await host.create(wanted))).toMatchObject({ path, visibility: 'private', description: 'A mirror' });
    expect(await codeOf(host.create(wanted))).toBe('repository_name_taken');
    expect(forge.repositories.map((each) => each.path)).toEqual([path]);
  });

  it('says when a new repository is wider than asked for', async () => {
    const wanted = { path: 'acme/new', description: '', visibility: 'private' } as const;
    forge.misbehave = ({ method }) => {
      if (method !== 'POST') return undefined;
      forge.misbehave = undefined;
      return { status: 201, body: { ...wideAnswer(), visibility: 'public', private: false } };
    };
    expect(await codeOf(host.create(wanted))).toBe('visibility_differs');
  });

  it('says what is missing where the token may not create or set up', async () => {
    forge.add('acme/app');
    forge.isAdministrator = false;
    const made = await host.create({ path: 'acme/new', description: '', visibility: 'private' });
    expect(made).toMatchObject({ kind: 'not_permitted', byHand: { link: expect.stringContaining(forge.origin) } });
    if (kind === 'github') expect(made).toMatchObject({ why: expect.stringContaining('administration=write') });
    if (kind === 'gitlab') expect(made).toMatchObject({ why: expect.stringContaining('scopes api') });
    expect(await host.ensureWebhook('acme/app', webhook)).toMatchObject({
      kind: 'not_permitted',
      byHand: { link: `${forge.origin}/acme/app/${kind === 'gitlab' ? '-/hooks' : 'settings/hooks'}` },
    });
    expect(doneValue(await host.describe('acme/app'))).toMatchObject({ may: { write: false, administer: false } });
  });

  it('changes only what is given, also of an archived repository, or says where it is done by hand', async () => {
    const app = forge.add('acme/app', { description: 'before', archived: true });
    const changed = await host.change('acme/app', { isArchived: false, defaultBranch: 'trunk', topics: ['git', 'mirror'] });
    if (kind === 'gogs') {
      expect(changed).toMatchObject({ kind: 'not_offered', byHand: { link: `${forge.origin}/acme/app/settings` } });
      return;
    }
    doneValue(changed);
    expect(app).toMatchObject({ archived: false, defaultBranch: 'trunk', topics: ['git', 'mirror'], description: 'before' });
    doneValue(await host.change('acme/app', { description: '', isArchived: true }));
    expect(app).toMatchObject({ archived: true, description: '', defaultBranch: 'trunk' });
  });

  it('lists protected branches, or does not offer it', async () => {
    forge.add('acme/app', { protectedBranches: ['main', 'release/*'] });
    const answer = await host.protectedBranches('acme/app');
    if (kind === 'gogs') expect(answer.kind).toBe('not_offered');
    else expect(doneValue(answer)).toEqual(['main', 'release/*']);
  });

  it('makes one webhook however often it is asked for, and leaves those of others', async () => {
    const app = forge.add('acme/app');
    const others = { id: 7, url: 'https://ci.example/', secret: 'x', active: true, events: ['push'], deliveries: [] };
    app.hooks.push(others);
    const made = doneValue(await host.ensureWebhook('acme/app', webhook));
    expect(made.change).toBe('created');
    expect(doneValue(await host.ensureWebhook('acme/app', webhook))).toEqual({ id: made.id, change: 'unchanged' });
    expect(app.hooks).toHaveLength(2);
    expect(app.hooks[1]).toMatchObject({ url: webhook.url, secret: webhook.secret, active: true });
    expect(doneValue(await host.removeWebhook('acme/app', webhook.url))).toBe(1);
    expect(doneValue(await host.removeWebhook('acme/app', webhook.url))).toBe(0);
    expect(app.hooks).toEqual([others]);
  });

  it('repairs its webhook: other secret, other events, twice there', async () => {
    const app = forge.add('acme/app');
    const spoilt = { url: webhook.url, secret: 'old', active: true, events: [], deliveries: [] };
    app.hooks.push({ ...spoilt, id: 7 }, { ...spoilt, id: 8 });
    expect(doneValue(await host.ensureWebhook('acme/app', webhook))).toEqual({ id: '7', change: 'repaired' });
    expect(app.hooks).toMatchObject([{ id: 7, secret: webhook.secret, active: true, events: expect.arrayContaining(['push']) }]);
  });

  it('finds its webhook behind a page of others', async () => {
    forge.pageSize = 2;
    const app = forge.add('acme/app');
    for (let id = 1; id <= 5; id++)
      app.hooks.push({ id, url: `https://ci.example/${id}`, secret: '', active: true, events: ['push'], deliveries: [] });
    doneValue(await host.ensureWebhook('acme/app', webhook));
    expect(doneValue(await host.ensureWebhook('acme/app', webhook)).change).toBe('unchanged');
    expect(app.hooks).toHaveLength(6);
  });

  it('tells why the host refuses a webhook, without its secret', async () => {
    forge.add('acme/app');
    const refused = host.ensureWebhook('acme/app', { ...webhook, url: 'http://localhost/hooks/x' });
    const error = await refused.then(
      () => undefined,
      (thrown: { code: string; message: string }) => thrown,
    );
    expect(error?.code).toBe('webhook_refused');
    expect(error?.message).toMatch(/localhost/);
    expect(error?.message).not.toContain(webhook.secret);
  });

  it('asks for a test delivery, tells of deliveries and has one sent again, where that is offered', async () => {
    const app = forge.add('acme/app');
    const { id } = doneValue(await host.ensureWebhook('acme/app', webhook));
    const tested = await host.testWebhook('acme/app', id);
    expect(tested.kind).toBe(kind === 'gogs' ? 'not_offered' : 'done');
    app.hooks[0]?.deliveries.unshift({ id: 5000, status: 0 });
    const told = await host.deliveries('acme/app', id);
    if (kind !== 'github' && kind !== 'gitlab') {
      expect(told).toMatchObject({ kind: 'not_offered', byHand: { link: `${forge.origin}/acme/app/settings/hooks/${id}` } });
      return;
    }
    expect(doneValue(told).map(({ id: number, status }) => [number === '5000', status])).toEqual([
      [true, undefined],
      [false, 202],
    ]);
    doneValue(await host.redeliver('acme/app', id, '5000'));
    expect(doneValue(await host.deliveries('acme/app', id))[0]?.status).toBe(202);
  });

  it('makes one deploy key, and another one where its right differs', async () => {
    const app = forge.add('acme/app');
    const key = { title: 'gitferry', publicKey, canPush: false };
    expect(doneValue(await host.ensureDeployKey('acme/app', key))).toBe('created');
    expect(doneValue(await host.ensureDeployKey('acme/app', { ...key, publicKey: publicKey.replace('ada@laptop', 'other') }))).toBe(
      'unchanged',
    );
    const writing = await host.ensureDeployKey('acme/app', { ...key, canPush: true });
    if (kind === 'gogs') expect(writing.kind).toBe('not_offered');
    else expect(doneValue(writing)).toBe('replaced');
    expect(app.keys.map(({ canPush }) => canPush)).toEqual([kind !== 'gogs']);
  });

  it('lists what an organisation and a user have, page by page', async () => {
    forge.pageSize = 2;
    for (const path of ['acme/a', 'acme/b', 'acme/c', 'acme/d', 'acme/e', 'ada/x']) forge.add(path);
    const paths: string[] = [];
    let next: number | undefined = 1;
    while (next !== undefined) {
      const page: RepositoryPage = doneValue(await host.list('acme', next));
      paths.push(...page.repositories.map(({ path }) => path));
      next = page.next;
    }
    expect(paths).toEqual(['acme/a', 'acme/b', 'acme/c', 'acme/d', 'acme/e']);
    expect(doneValue(await host.list('ada', 1)).repositories.map(({ path }) => path)).toEqual(['ada/x']);
  });

  it.each([
    ['a sign-in page', { status: 200, body: '<html>Sign in</html>' }, 'host_answer_unexpected'],
    ['a forbidding proxy', { status: 403, body: '<html>Blocked</html>' }, 'host_answer_unexpected'],
    ['another form', { status: 200, body: { data: {} } }, 'host_answer_unexpected'],
    ['nothing', { status: 204 }, 'host_answer_unexpected'],
    ['a list that nests too deep', { status: 200, body: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) }, 'host_answer_unexpected'],
    ['more than is read', { status: 200, body: 'x'.repeat(9 * 1024 * 1024) }, 'host_answer_unexpected'],
    ['a redirect', { status: 301, headers: { location: 'https://elsewhere.example/' } }, 'redirect_refused'],
    ['an error of its own', { status: 502, body: '<html>Bad gateway</html>' }, 'server_error'],
    ['a refusal', { status: 422, body: { message: 'no' } }, 'request_refused'],
  ])('answers %s by a code, and sends the token nowhere else', async (_what, answer, code) => {
    forge.add('acme/app');
    forge.misbehave = () => answer;
    expect(await codeOf(host.describe('acme/app'))).toBe(code);
    expect(forge.requests).toHaveLength(1);
  });

  it.each([
    ['429 with seconds', { status: 429, headers: { 'retry-after': '30' } }, 30],
    ['429 with a date', { status: 429, headers: { 'retry-after': new Date(1_800_000_020_000).toUTCString() } }, 20],
    [
      'the primary limit',
      {
        status: 403,
        body: { message: 'API rate limit exceeded' },
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1800000600' },
      },
      600,
    ],
    ['the secondary limit', { status: 403, body: { message: 'You have exceeded a secondary rate limit' } }, 60],
    ['a wait of a year', { status: 429, headers: { 'retry-after': '31536000' } }, 3600],
  ])('leaves the host alone after %s', async (_what, answer, seconds) => {
    forge.add('acme/app');
    forge.misbehave = () => answer;
    await expect(host.describe('acme/app')).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: seconds });
    forge.misbehave = undefined;
    now += seconds * 1000 - 1;
    expect(await codeOf(host.describe('acme/app'))).toBe('rate_limited');
    expect(forge.requests).toHaveLength(1);
    now += 1;
    expect(doneValue(await host.describe('acme/app'))?.path).toBe('acme/app');
  });
});

function wideAnswer(): object {
  const made = forge.add('acme/new');
  const urls = { clone_url: 'https://h/x.git', ssh_url: 'git@h:x.git', html_url: 'https://h/x' };
  const gitLab = {
    path_with_namespace: made.path,
    http_url_to_repo: 'https://h/x.git',
    ssh_url_to_repo: 'git@h:x.git',
    web_url: 'https://h/x',
  };
  return { id: made.id, full_name: made.path, ...urls, ...gitLab };
}

describe('a host that is none of them', () => {
  it('is a plain Git server, which offers nothing and says what to do', async () => {
    await start('github');
    forge.misbehave = () => ({ status: 404, body: '<html>Not found</html>' });
    expect(await recogniseHost(new URL(forge.origin), deps())).toBe('plain');
    const session = openHost('plain', new URL(forge.origin), { username: '', password: '' }, deps());
    expect(await session.create({ path: 'a/b', description: '', visibility: 'private' })).toMatchObject({
      kind: 'not_offered',
      byHand: { step: expect.stringContaining('git init --bare') },
    });
  });

  it('is not taken for a plain one while it is in trouble', async () => {
    await start('gitea');
    forge.misbehave = () => ({ status: 503, body: '<html>Down</html>' });
    expect(await codeOf(recogniseHost(new URL(forge.origin), deps()))).toBe('server_error');
  });

  it('is not asked at a forbidden address', async () => {
    await start('gitea');
    const guarded = createHttpClient(createAddressGuard([]));
    expect(await codeOf(recogniseHost(new URL(forge.origin), { ...deps(), http: guarded }))).toBe('address_blocked');
    await guarded.close();
    expect(forge.requests).toHaveLength(0);
  });
});
