import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MirrorStatus } from '../../../lib/model/mirror.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let project = 0;
beforeEach(async () => {
  project = (await api.newProject()).id;
  await api.wakeUps();
});

const url = 'https://up.example.org/a.git';
const call = (method: string, body?: object, query = '') =>
  api.call(method, `/projects/${project}/mirror/pull${query}`, { ...(body === undefined ? {} : { body }) });
const key = () => ({ projectId: project, mirror: 'pull' as const });
const record = async () => (await api.deps.records.mirrors.get(key()))!;

async function ended(status: Partial<MirrorStatus>): Promise<void> {
  const now = Date.now();
  await api.deps.jobs.acquire(key(), { token: 'lease', now });
  await api.deps.jobs.release(key(), 'lease', {
    status: { updateStatus: 'finished', lastUpdateAt: now, ...status },
    now,
    nextDueAt: now + 1_800_000,
    followUpAt: now,
  });
  await api.wakeUps();
}

describe('a pull mirror', () => {
  it.each([
    ['PUT', { url: 'https://me:token-1@up.example.org/a.git' }],
    ['PUT', { url, auth_user: 'me', auth_password: 'token-1', mirror_trigger_builds: true }],
    ['POST', { import_url: 'https://me:token-1@up.example.org/a.git', mirror: true }],
    ['POST', { url, auth_user: 'me', auth_password: 'token-1', enabled: true }],
  ])('is configured by %s %j, and its first run asked for', async (method, body) => {
    const answer = await call(method, body);
    expect([answer.status, answer.body]).toEqual([
      method === 'PUT' ? 200 : 201,
      expect.objectContaining({
        direction: 'pull',
        enabled: true,
        url: 'https://*****:*****@up.example.org/a.git',
        update_status: 'none',
        mirror_trigger_builds: false,
        only_mirror_protected_branches: false,
        mirror_overwrites_diverged_branches: false,
        mirror_branch_regex: null,
      }),
    ]);
    const { credential } = await record();
    expect(credential?.kind === 'own' && (await api.deps.secrets.read(credential.secretName))).toEqual({
      username: 'me',
      password: 'token-1',
    });
    expect(await api.wakeUps()).toEqual([key()]);
    expect((await api.call('GET', `/projects/${project}`)).body.mirror).toBe(true);
  });

  it('takes its rules and shows them', async () => {
    await call('PUT', { url, enabled: false, only_mirror_protected_branches: true, mirror_overwrites_diverged_branches: 'true' });
    expect((await call('GET')).body).toMatchObject({
      enabled: false,
      only_mirror_protected_branches: true,
      mirror_overwrites_diverged_branches: true,
    });
    expect((await call('PUT', { mirror_branch_regex: 'x' })).status).toBe(400);
    expect((await call('PUT', { mirror_branch_regex: 'x', only_mirror_protected_branches: null })).body).toMatchObject({
      mirror_branch_regex: 'x',
    });
    expect(await api.wakeUps()).toEqual([]);
    expect((await api.call('GET', `/projects/${project}`)).body.mirror).toBe(false);
  });

  it('is changed, not made twice', async () => {
    const { body } = await call('PUT', { url });
    expect((await call('POST', { import_url: 'https://up.example.org/b.git', mirror: false })).body).toMatchObject({
      id: body.id,
      enabled: false,
    });
    expect((await call('PUT', { url, enabled: true })).body).toMatchObject({ id: body.id, url, enabled: true });
  });

  it.each([
    ['PUT', {}, 'url is missing'],
    ['PUT', { enabled: true }, 'url is missing'],
    ['PUT', { url, force: true }, 'force is unknown'],
    ['PUT', { url, keep_divergent_refs: true }, 'keep_divergent_refs is unknown'],
    ['POST', { url, import_url: url }, 'url, import_url are mutually exclusive'],
    ['POST', { mirror_tags: 'none' }, 'mirror_tags goes with url, or with PUT'],
    ['POST', { import_url: null }, 'import_url is invalid'],
    [
      'PUT',
      { url, only_mirror_protected_branches: true, only_protected_branches: true },
      'only_mirror_protected_branches, only_protected_branches are mutually exclusive',
    ],
  ])('%s %j is refused', async (method, body, error) => {
    expect(await call(method, body)).toMatchObject({ status: 400, body: { error } });
    expect(await record()).toBeUndefined();
  });

  it('names the parameter that the URL came in', async () => {
    expect((await call('POST', { import_url: 'git@h:x' })).body.message).toHaveProperty('import_url');
    const own = (await api.deps.records.projects.get(project))!.repositoryUrl;
    expect((await call('PUT', { url: own })).body.message).toEqual({ url: ["is the project's own repository"] });
  });

  it('may pull from where the project is pushed to', async () => {
    await api.call('POST', `/projects/${project}/remote_mirrors`, { body: { url } });
    expect((await call('PUT', { url })).status).toBe(200);
  });

  it('goes, and is not there afterwards', async () => {
    await call('PUT', { url });
    expect((await call('DELETE', {})).status).toBe(204);
    for (const method of ['GET', 'POST', 'DELETE'])
      expect(await call(method)).toMatchObject({ status: 400, body: { message: 'The project is not mirrored' } });
  });

  it('shows reporters no URL', async () => {
    await call('PUT', { url });
    const answer = await api.call('GET', `/projects/${project}/mirror/pull`, { token: await api.newToken('reporter') });
    expect([answer.status, answer.body.direction]).toEqual([200, 'pull']);
    expect(answer.text).not.toContain('up.example.org');
  });
});

describe('POST without a URL', () => {
  it('starts it, and says when it will run', async () => {
    await call('PUT', { url });
    await ended({ lastUpdateAt: Date.now() - 3_600_000 });
    const now = await call('POST');
    expect([now.status, now.body]).toEqual([
      200,
      { message: expect.any(String), status: 'queued', next_run_at: expect.stringMatching(/Z$/) },
    ]);
    expect(await api.wakeUps()).toEqual([key()]);
  });

  it('waits until the mirror has rested', async () => {
    await call('PUT', { url });
    await ended({});
    const answer = await call('POST', {});
    expect(answer).toMatchObject({ status: 200, body: { status: 'scheduled' } });
    expect(Date.parse(answer.body.next_run_at) - Date.now()).toBeGreaterThan(250_000);
  });

  it('asks for one more run of one that is running', async () => {
    await call('PUT', { url });
    await api.deps.jobs.acquire(key(), { token: 'lease', now: Date.now() });
    expect(await call('POST')).toMatchObject({ status: 200, body: { status: 'running' } });
  });

  it('does not resume a paused one unless it is forced to', async () => {
    await call('PUT', { url });
    await ended({ updateStatus: 'failed', paused: true, lastUpdateAt: Date.now() - 3_600_000 });
    expect((await call('POST')).status).toBe(403);
    expect((await record()).paused).toBe(true);
    expect((await call('POST', undefined, '?force=true')).status).toBe(200);
    expect((await record()).paused).toBe(false);
  });

  it('refuses for one that is disabled', async () => {
    await call('PUT', { url, enabled: false });
    expect((await call('POST', { force: true })).status).toBe(400);
  });

  it('lets deletions pass when told so', async () => {
    await call('PUT', { url });
    expect((await call('POST', { confirm_deletions: true })).status).toBe(200);
    expect((await api.deps.jobs.acquire(key(), { token: 'lease', now: Date.now() }))?.runConfirmDeletions).toBe(true);
  });
});

describe('GET /projects/:id/mirror/pull/plan', () => {
  it('shows what a run would do', async () => {
    await call('PUT', { url });
    expect(await api.call('GET', `/projects/${project}/mirror/pull/plan`)).toMatchObject({
      status: 200,
      body: { dry_run: true, refs: [] },
    });
  });
});
