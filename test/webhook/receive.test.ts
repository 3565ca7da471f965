import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { type Provider, providers } from '../../lib/model/hook.ts';
import { newHookToken } from '../../lib/model/hook-secret.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import type { Project } from '../../lib/model/project.ts';
import { createWebhookApp } from '../../lib/webhook/receive.ts';
import { type Headers, hex, proof, sample, standardHeaders } from './samples.ts';
import { type Answer, startWebhookService, type TestHook, type WebhookService } from './webhook-service.ts';

let service: WebhookService;
beforeAll(async () => {
  service = await startWebhookService();
});
afterAll(() => service.close());

/** Where each provider's samples say they come from, and one that is a push. */
const homes: Readonly<Record<Provider, readonly [string, string]>> = {
  github: ['https://github.example.com/codertocat/hello-world.git', 'push-branch'],
  gitlab: ['https://gitlab.example.com/mike/diaspora.git', 'push'],
  forgejo: ['https://forgejo.example.com/ada/webhooks.git', 'push'],
  gitea: ['https://gitea.example.com/ada/webhooks.git', 'push'],
  gogs: ['https://gogs.example.com/ada/webhooks.git', 'push'],
  bitbucket_cloud: ['https://bitbucket.org/example-team/widgets.git', 'push-many'],
  bitbucket_data_center: ['https://bitbucket.example.com/scm/project_1/repository.git', 'refs-changed'],
  azure_devops: ['https://dev.azure.com/fabrikam/Fabrikam%20Git/_git/fiber', 'git-push'],
  generic: ['https://git.example.com/tools/anvil.git', 'repository-and-ref'],
};

interface Setting {
  readonly project: Project;
  readonly mirror: Mirror;
  readonly hook: TestHook;
}

async function setUp(provider: Provider): Promise<Setting> {
  const project = await service.createProject(homes[provider][0]);
  const mirror = await service.createMirror(project.id);
  return { project, mirror, hook: await service.createHook(project.id, provider) };
}

const deliver = ({ path, secret, hook }: TestHook, name: string, more: Headers = {}) => {
  const { headers, body } = sample(hook.provider, name);
  return service.send('POST', path, { ...headers, ...proof(hook.provider, secret, body, service.clock.now()), ...more }, body);
};

describe('a signed delivery', () => {
  it.each(providers)('%s: asks for an update of the mirror, once', async (provider) => {
    const { hook, mirror } = await setUp(provider);
    const first = await deliver(hook, homes[provider][1]);
    expect(first).toMatchObject({ status: 202, json: { status: 'queued' } });
    expect(first.headers['content-type']).toBe('application/json');
    const asked = await service.mirror(mirror);
    expect(asked).toMatchObject({ requestedSeq: 1, queuedTrigger: { kind: 'event', who: provider } });
    expect(await service.messages()).toEqual([JSON.stringify({ project: mirror.projectId, mirror: mirror.mirror })]);

    const replay = await deliver(hook, homes[provider][1]);
    expect(replay).toMatchObject({ status: 202, json: { status: 'merged' } });
    expect(await service.mirror(mirror)).toMatchObject({ requestedSeq: 2, queuedAt: asked.queuedAt });
    expect(await service.messages()).toEqual([]);
  });

  it.each([
    ['github', 'ping', 'ignored'],
    ['github', 'issues', 'ignored'],
    ['gitlab', 'merge-request', 'ignored'],
    ['bitbucket_cloud', 'pullrequest-created', 'ignored'],
    ['azure_devops', 'pullrequest-created', 'ignored'],
    ['azure_devops', 'git-push-minimal', 'queued'],
    ['azure_devops', 'git-push-none', 'queued'],
    ['bitbucket_data_center', 'mirror-synchronized', 'queued'],
    ['gitlab', 'system-repository-update', 'queued'],
    ['generic', 'nothing', 'queued'],
  ] as const)('%s, %s: %s', async (provider, name, status) => {
    const { hook, mirror } = await setUp(provider);
    const answer = await deliver(hook, name);
    expect(answer).toMatchObject({ status: 202, json: { status, reason: expect.any(String) } });
    expect((await service.mirror(mirror)).requestedSeq).toBe(status === 'queued' ? 1 : 0);
  });

  it('may come as a form', async () => {
    const { hook } = await setUp('github');
    const { headers, body } = sample('github', 'push-branch');
    const form = `payload=${encodeURIComponent(body.toString())}`;
    const answer = await service.send(
      'POST',
      hook.path,
      { ...headers, 'content-type': 'application/x-www-form-urlencoded', ...proof('github', hook.secret, form, 0) },
      form,
    );
    expect(answer.json['status']).toBe('queued');
  });

  it.each(['application/json; charset=iso-8859-1', 'text/plain', 'application/vnd.github+json', ''])(
    'may call itself "%s"',
    async (type) => {
      const { hook } = await setUp('forgejo');
      expect((await deliver(hook, 'push', { 'content-type': type })).json['status']).toBe('queued');
    },
  );

  it('may come in chunks, without a length', async () => {
    const { hook } = await setUp('gogs');
    expect((await deliver(hook, 'push', { 'transfer-encoding': 'chunked' })).json['status']).toBe('queued');
  });

  it('may come to the address with a slash at its end', async () => {
    const { hook } = await setUp('gitea');
    expect((await deliver({ ...hook, path: `${hook.path}/` }, 'push')).json['status']).toBe('queued');
  });

  it('may be empty where nothing has to be said', async () => {
    const { hook } = await setUp('generic');
    const answer = await service.send('POST', hook.path, { 'x-signature': `sha256=${hex(hook.secret, '')}` });
    expect(answer).toMatchObject({ status: 202, json: { status: 'queued' } });
  });

  it.each(['{"ref":', 'not JSON', 'payload=%7B', '\u0000\u0001'])('that cannot be read (%j) is ignored, with the reason', async (body) => {
    const { hook, mirror } = await setUp('github');
    const answer = await service.send('POST', hook.path, { 'x-github-event': 'push', ...proof('github', hook.secret, body, 0) }, body);
    expect(answer).toMatchObject({ status: 202, json: { status: 'ignored' } });
    expect((await service.mirror(mirror)).requestedSeq).toBe(0);
  });

  it('names mirrors of both sides of a bidirectional project by its repository', async () => {
    const remote = 'https://remote.example.com/tools/anvil.git';
    const project = await service.createProject(homes.generic[0]);
    const push = await service.createMirror(project.id, { url: remote });
    const pull = await service.createMirror(project.id, { url: remote, direction: 'pull' });
    const hook = await service.createHook(project.id, 'generic');
    const send = async (repository: string) => {
      const body = JSON.stringify({ repository, ref: 'refs/heads/main' });
      return service.send('POST', hook.path, proof('generic', hook.secret, body, service.clock.now()), body);
    };
    const seen = async () => [(await service.mirror(push)).requestedSeq, (await service.mirror(pull)).requestedSeq];
    expect((await send('git@git.example.com:tools/anvil.git')).json['status']).toBe('queued');
    expect(await seen()).toEqual([1, 0]);
    expect((await send(remote)).json['status']).toBe('queued');
    expect(await seen()).toEqual([1, 1]);
    expect((await send('https://git.example.com/tools/hammer.git')).json).toMatchObject({
      status: 'ignored',
      reason: expect.stringContaining('git.example.com/tools/hammer'),
    });
    expect(await seen()).toEqual([1, 1]);
  });

  it('asks no mirror that is disabled, paused or filters all its refs', async () => {
    const project = await service.createProject(homes.github[0]);
    const mirrors = [
      await service.createMirror(project.id, { enabled: false }),
      await service.createMirror(project.id, { mirrorBranchRegex: '^release-' }),
    ];
    const hook = await service.createHook(project.id, 'github');
    expect((await deliver(hook, 'push-branch')).json['status']).toBe('ignored');
    for (const mirror of mirrors) expect((await service.mirror(mirror)).requestedSeq).toBe(0);
    expect((await deliver(hook, 'push-tag')).json['status']).toBe('queued');
    expect((await service.mirror(mirrors[1]!)).requestedSeq).toBe(1);
  });

  it('asks many times for one run', async () => {
    const { hook, mirror } = await setUp('gitlab');
    await service.messages();
    const answers: Answer[] = [];
    // Side by side, but not so many that the stand-in for DynamoDB, which shares this process, times out on a busy machine.
    for (let wave = 0; wave < 5; wave++) answers.push(...(await Promise.all(Array.from({ length: 40 }, () => deliver(hook, 'push')))));
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    expect(answers.filter(({ json }) => json['status'] === 'queued')).toHaveLength(1);
    expect((await service.mirror(mirror)).requestedSeq).toBe(200);
    expect(await service.messages()).toHaveLength(1);
  });
});

describe('a delivery without proof', () => {
  it('is answered like one to an unknown token', async () => {
    const { hook, project, mirror } = await setUp('github');
    const { headers, body } = sample('github', 'push-branch');
    const good = proof('github', hook.secret, body, 0);
    const unknown = `/hooks/${newHookToken(project.id)}`;
    const answers = await Promise.all([
      service.send('POST', hook.path, headers, body),
      service.send('POST', hook.path, { ...headers, ...proof('github', 'wrong', body, 0) }, body),
      service.send('POST', hook.path, { ...headers, ...good }, `${body} `),
      service.send('POST', hook.path, { ...headers, 'x-hub-signature-256': '' }, body),
      service.send('POST', hook.path, [...Object.entries({ ...headers, ...good }), ...Object.entries(good)], body),
      service.send('POST', unknown, { ...headers, ...good }, body),
      service.send('POST', `/hooks/${newHookToken(999_999_999)}`, { ...headers, ...good }, body),
      service.send('POST', '/hooks/nonsense', { ...headers, ...good }, body),
      service.send('POST', `/hooks/${'9'.repeat(20)}.${'a'.repeat(32)}`, { ...headers, ...good }, body),
      service.send('POST', `/hooks/${'x'.repeat(5000)}`, { ...headers, ...good }, body),
    ]);
    for (const { status, text, headers: answered } of answers) {
      expect({ status, text }).toEqual({ status: 401, text: '{"message":"401 Unauthorized"}' });
      expect(answered['content-type']).toBe('application/json');
      expect(answered['www-authenticate']).toBe(answers[0]?.headers['www-authenticate']);
    }
    expect((await service.mirror(mirror)).requestedSeq).toBe(0);
  });

  it.each(providers)("%s: is refused, signed or not, on another hook's address", async (provider) => {
    const [one, other] = [await setUp(provider), await setUp(provider)];
    expect((await deliver({ ...one.hook, path: other.hook.path }, homes[provider][1])).status).toBe(401);
  });

  it.each(providers.filter((provider) => provider !== 'azure_devops' && provider !== 'gitlab'))(
    '%s: is refused when its body was changed on the way',
    async (provider) => {
      const { hook } = await setUp(provider);
      const { headers, body } = sample(provider, homes[provider][1]);
      const signed = { ...headers, ...proof(provider, hook.secret, body, service.clock.now()) };
      expect((await service.send('POST', hook.path, signed, Buffer.concat([body, Buffer.from('\n')]))).status).toBe(401);
    },
  );

  it('may be the connection test of Bitbucket Data Center, which does nothing', async () => {
    const { hook, mirror } = await setUp('bitbucket_data_center');
    const { headers, body } = sample('bitbucket_data_center', 'ping');
    expect(await service.send('POST', hook.path, headers, body)).toMatchObject({ status: 202, json: { status: 'ignored' } });
    expect((await service.mirror(mirror)).requestedSeq).toBe(0);
    expect((await service.records.hooks.ofProject(mirror.projectId))[0]?.lastDeliveryAt).toBeNull();
    expect((await service.send('POST', `/hooks/${newHookToken(mirror.projectId)}`, headers, body)).status).toBe(401);
  });

  it('is refused when its signed time is too far away', async () => {
    const { hook } = await setUp('generic');
    const send = async (offMs: number) =>
      service.send('POST', hook.path, standardHeaders(hook.secret, '{}', service.clock.now() + offMs), '{}');
    expect((await send(-290_000)).status).toBe(202);
    expect((await send(-310_000)).status).toBe(401);
    expect((await send(310_000)).status).toBe(401);
  });
});

describe('a change of the project', () => {
  let setting: Setting;
  beforeEach(async () => {
    setting = await setUp('github');
    expect((await deliver(setting.hook, 'ping')).status).toBe(202);
  });

  it('a new secret holds at once where the old one fails, and the old one for as long as it was given', async () => {
    const { hook, project } = setting;
    service.pass(1_500);
    const rotated = (await service.records.hooks.rotate(project.id, hook.hook.id, service.clock.now() + 86_400_000))!;
    const renewed = { ...hook, secret: await service.secretOf(rotated) };
    expect(renewed.secret).not.toBe(hook.secret);
    expect((await deliver(renewed, 'ping')).status).toBe(202);
    expect((await deliver(hook, 'ping')).status).toBe(202);
    service.pass(86_400_001);
    expect((await deliver(hook, 'ping')).status).toBe(401);
    expect((await deliver(renewed, 'ping')).status).toBe(202);
  });

  it('a new hook is known within a second', async () => {
    const second = await service.createHook(setting.project.id, 'gitea');
    service.pass(1_001);
    const body = sample('gitea', 'push').body;
    const headers = proof('gitea', second.secret, body, 0);
    expect((await service.send('POST', second.path, headers, body)).status).toBe(202);
  });

  it('a mirror that is switched on is asked within a second', async () => {
    const { hook, mirror } = setting;
    await service.records.mirrors.update(mirror, { enabled: false }, { resetStatus: false });
    service.pass(2_001);
    expect((await deliver(hook, 'push-branch')).json['status']).toBe('ignored');
    await service.records.mirrors.update(mirror, { enabled: true }, { resetStatus: false });
    service.pass(1_001);
    expect((await deliver(hook, 'push-branch')).json['status']).toBe('queued');
  });

  it('a mirror that was deleted a moment ago is ignored', async () => {
    const { hook, mirror } = setting;
    await service.records.mirrors.delete(mirror);
    expect(await deliver(hook, 'push-branch')).toMatchObject({ status: 202, json: { status: 'ignored' } });
  });

  it.each(['hook', 'project'] as const)('a deleted %s takes no deliveries', async (what) => {
    const { hook, project } = setting;
    if (what === 'hook') await service.records.hooks.delete(project.id, hook.hook.id);
    else await service.records.projects.delete(project.id);
    service.pass(2_001);
    expect((await deliver(hook, 'push-branch')).status).toBe(401);
    expect(await service.records.projects.contents(project.id)).toEqual(
      what === 'hook' ? expect.objectContaining({ hooks: [] }) : undefined,
    );
  });
});

describe('the note on a hook', () => {
  const hookOf = async ({ project }: Setting) => (await service.records.hooks.ofProject(project.id))[0]!;

  it.each([
    ['a push', 'push-branch', 'project'],
    ['a ping', 'ping', 'project'],
    ['an event of another kind', 'issues', 'project'],
  ])('says when %s came', async (_, name, of) => {
    const setting = await setUp('github');
    const before = service.clock.now();
    await deliver(setting.hook, name);
    const { lastDeliveryAt, lastDeliveryOf } = await hookOf(setting);
    expect(lastDeliveryAt).toBeGreaterThanOrEqual(before);
    expect(lastDeliveryOf).toBe(of);
  });

  it('is made at most once a minute, and ends a silence', async () => {
    const setting = await setUp('github');
    await deliver(setting.hook, 'push-branch');
    const first = await hookOf(setting);
    service.pass(30_000);
    await deliver(setting.hook, 'push-branch');
    expect(await hookOf(setting)).toEqual(first);
    await service.records.hooks.noteSilent(first, service.clock.now());
    service.pass(2_001);
    await deliver(setting.hook, 'push-branch');
    expect(await hookOf(setting)).toMatchObject({ silentSince: null, lastDeliveryAt: expect.any(Number) });
    expect((await hookOf(setting)).lastDeliveryAt).not.toBe(first.lastDeliveryAt);
  });

  it('is not made for a delivery without proof', async () => {
    const setting = await setUp('github');
    await deliver({ ...setting.hook, secret: 'wrong' }, 'push-branch');
    expect((await hookOf(setting)).lastDeliveryAt).toBeNull();
  });
});

describe('what is no delivery', () => {
  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is answered 405', async (method) => {
    const answer = await service.send(method, '/hooks/1.abc', {});
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('POST');
    if (method !== 'HEAD') expect(answer.text).toBe('{"message":"405 Method Not Allowed"}');
  });

  it.each(['/', '/hooks', '/hooks/', '/hooks/1.a/b', '/other', '/%'])('POST %s is answered 404', async (path) => {
    expect(await service.send('POST', path, {}, '{}')).toMatchObject({ status: 404, json: { message: '404 Not Found' } });
  });

  const over = 4 * 1024 * 1024 + 1;
  it.each([
    ['with its length', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('a body over 4 MiB %s is answered 413', async (_, headers) => {
    const { hook } = await setUp('github');
    const body = Buffer.alloc(over, 0x20);
    const signed = { ...headers, ...proof('github', hook.secret, body, 0) } as Headers;
    expect(await service.send('POST', hook.path, signed, body)).toMatchObject({ status: 413, json: { message: '413 Content Too Large' } });
  });

  it('a body of 4 MiB is taken', async () => {
    const { hook } = await setUp('github');
    const { headers, payload } = sample('github', 'push-branch');
    const bare = JSON.stringify(payload);
    const body = Buffer.concat([Buffer.from(bare), Buffer.alloc(over - 1 - Buffer.byteLength(bare), 0x20)]);
    const answer = await service.send('POST', hook.path, { ...headers, ...proof('github', hook.secret, body, 0) }, body);
    expect(answer).toMatchObject({ status: 202, json: { status: 'queued' } });
  });
});

describe('where something fails', () => {
  it.each([
    [
      'the project cannot be read',
      'storage_unavailable',
      { projects: { contents: () => Promise.reject(new GitferryError('storage_unavailable')) } },
    ],
    [
      'the request cannot be recorded',
      'storage_unavailable',
      { requestRuns: () => Promise.reject(new GitferryError('storage_unavailable')) },
    ],
    [
      'the signing key cannot be read',
      'secrets_unavailable',
      { secrets: { signingKey: () => Promise.reject(new GitferryError('secrets_unavailable')) } },
    ],
  ] as const)('%s: 503, worth sending again', async (_, code, broken) => {
    const { hook } = await setUp('github');
    const app = createWebhookApp({ ...service.deps, ...broken });
    const { headers, body } = sample('github', 'push-branch');
    const answer = await app.request(hook.path, {
      method: 'POST',
      headers: { ...headers, ...proof('github', hook.secret, body, 0) },
      body,
    });
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 503,
      body: { message: '503 Service Unavailable', code },
    });
    expect(answer.headers.get('retry-after')).toBe('30');
  });

  it('a note that cannot be made holds nothing up', async () => {
    const { hook } = await setUp('github');
    const app = createWebhookApp({ ...service.deps, hooks: { noteDelivery: () => Promise.reject(new Error('down')) } });
    const { headers, body } = sample('github', 'push-branch');
    const answer = await app.request(hook.path, {
      method: 'POST',
      headers: { ...headers, ...proof('github', hook.secret, body, 0) },
      body,
    });
    expect(answer.status).toBe(202);
  });
});

describe('the log', () => {
  it('holds no token, secret, signature or body', async () => {
    const { hook } = await setUp('gitlab');
    const { headers, body } = sample('gitlab', 'push');
    const standard = standardHeaders(Buffer.from(hook.secret, 'base64'), body, service.clock.now());
    const answers = [
      await deliver(hook, 'push'),
      await deliver({ ...hook, secret: 'a-wrong-secret-0123456789' }, 'push'),
      await service.send('POST', hook.path, { ...headers, ...standard }, body),
      await service.send('POST', `${hook.path}/more`, {}, ''),
    ];
    const text = [...service.logged, ...answers.map((answer) => answer.text)].join('\n');
    for (const secret of [hook.secret, hook.path.slice('/hooks/'.length), 'a-wrong-secret', standard['webhook-signature'], 'fixed readme'])
      expect(text.includes(secret ?? '')).toBe(false);
    expect(text.includes('"event":"delivery_received"')).toBe(true);
    expect(text.includes('"why":"no_proof"')).toBe(true);
  });
});
