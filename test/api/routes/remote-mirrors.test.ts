import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitferryError } from '../../../lib/core/errors.ts';
import type { MirrorKey } from '../../../lib/model/mirror.ts';
import { type ApiAnswer, emptyOutcome, startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let project = 0;
async function newMirror(body: object = {}): Promise<ApiAnswer> {
  project = (await api.newProject()).id;
  await api.wakeUps();
  return api.call('POST', `/projects/${project}/remote_mirrors`, { body: { url: 'https://m.example.org/a.git', ...body } });
}

const pathOf = (mirror: ApiAnswer) => `/projects/${project}/remote_mirrors/${mirror.body.id}`;
const keyOf = (mirror: ApiAnswer): MirrorKey => ({ projectId: project, mirror: mirror.body.id });
const recordOf = async (mirror: ApiAnswer) => (await api.deps.records.mirrors.get(keyOf(mirror)))!;
async function secretOf(mirror: ApiAnswer): Promise<unknown> {
  const { credential } = await recordOf(mirror);
  return credential?.kind === 'own' ? api.deps.secrets.read(credential.secretName, { fresh: true }) : credential;
}

/** As after a failed run that paused it. */
async function pause(mirror: ApiAnswer): Promise<void> {
  const now = Date.now();
  const lastError = {
    code: 'credentials_refused',
    message: 'No entry at https://m.example.org/a.git.',
    hint: 'Look at m.example.org.',
  } as const;
  const lastRun = {
    id: '1-x',
    trigger: { kind: 'event', who: 'github' },
    startedAt: now - 5,
    finishedAt: now,
    outcome: 'failed',
    error: lastError,
    counts: { updated: 0 },
    bytes: 0,
    notes: [],
  } as const;
  const status = {
    updateStatus: 'failed',
    paused: true,
    lastUpdateStartedAt: now - 5,
    lastUpdateAt: now,
    lastError,
    lastRun,
    heldBackDeletions: 12,
  } as const;
  await api.deps.jobs.acquire(keyOf(mirror), { token: 'lease', now });
  await api.deps.jobs.release(keyOf(mirror), 'lease', { status, now, nextDueAt: null, followUpAt: now });
}

describe('POST /projects/:id/remote_mirrors', () => {
  it('creates a mirror, keeps its credential apart, and asks for its first run', async () => {
    const mirror = await newMirror({ url: 'https://me:t%40ken-1@m.example.org/a.git', keep_divergent_refs: true });
    expect(mirror.status).toBe(201);
    const time = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
    expect(mirror.body).toEqual({
      id: expect.any(Number),
      project_id: project,
      direction: 'push',
      enabled: true,
      paused: false,
      url: 'https://*****:*****@m.example.org/a.git',
      auth_method: 'password',
      credential_id: null,
      host_keys: [],
      update_status: 'none',
      last_update_started_at: null,
      last_update_at: null,
      last_successful_update_at: null,
      last_error: null,
      last_error_code: null,
      last_error_hint: null,
      last_run: null,
      next_run_at: time,
      waiting_for: null,
      held_back_deletions: 0,
      mirror_branch_regex: null,
      mirror_tags: 'all',
      lfs: 'auto',
      lfs_url: null,
      lfs_failed_objects: 0,
      created_at: time,
      only_protected_branches: false,
      keep_divergent_refs: true,
      delete_ambiguous_refs: false,
    });
    expect(await secretOf(mirror)).toEqual({ username: 'me', password: 't@ken-1' });
    expect(await api.wakeUps()).toEqual([keyOf(mirror)]);
    expect(api.logLines.join('')).not.toContain('t@ken-1');
  });

  it('shows a URL without credentials as it is', async () => {
    expect((await newMirror()).body.url).toBe('https://m.example.org/a.git');
  });

  it('asks for no run of one that is disabled', async () => {
    const mirror = await newMirror({ enabled: false });
    expect([mirror.body.enabled, mirror.body.next_run_at, await api.wakeUps()]).toEqual([false, null, []]);
  });

  it.each([
    ['user and password beside the URL', { username: 'me', password: 'token-2' }, { username: 'me', password: 'token-2' }],
    ['under the names of pull mirrors', { auth_user: 'me', auth_password: 'token-2' }, { username: 'me', password: 'token-2' }],
    [
      'a password beside the user in the URL',
      { url: 'https://me@m.example.org/a.git', password: 'token-2' },
      { username: 'me', password: 'token-2' },
    ],
    ['none that are empty', { username: '', password: '' }, null],
  ])('takes %s', async (_, body, stored) => {
    expect(await secretOf(await newMirror(body))).toEqual(stored);
  });

  it.each([
    ['the project’s own repository', () => ({ url: `https://git.example.org/group/project-${project}` }), 'url', undefined],
    ['a regex that RE2 does not take', () => ({ mirror_branch_regex: '(?=x)' }), 'mirror_branch_regex', 'invalid_regex'],
    ['a regex that is too long', () => ({ mirror_branch_regex: 'x'.repeat(256) }), 'mirror_branch_regex', 'regex_too_long'],
    ['a bad regex for tags', () => ({ mirror_tags: '(' }), 'mirror_tags', 'invalid_regex'],
    ['no word for tags', () => ({ mirror_tags: '' }), 'mirror_tags', undefined],
    ['an LFS URL with a password', () => ({ lfs_url: 'https://ada:secret@lfs.example.org/x' }), 'lfs_url', 'invalid_url'],
    ['an LFS URL over SSH', () => ({ lfs_url: 'ssh://git@lfs.example.org/x' }), 'lfs_url', 'unsupported_scheme'],
    ['an LFS URL at an address that is refused', () => ({ lfs_url: 'http://169.254.169.254/lfs' }), 'lfs_url', 'address_blocked'],
    ['a blocked address', () => ({ url: 'https://192.168.0.1/x' }), 'url', 'address_blocked'],
    ['host keys, one of which is none', () => ({ host_keys: [hostKey, 'x'] }), 'host_keys', undefined],
    ['SSH without a host key', () => ({ url: 'ssh://git@h.example.org/x' }), 'host_keys', 'host_key_unknown'],
  ])('refuses %s and saves nothing', async (_, body: () => object, field, code) => {
    project = (await api.newProject(`same/place-${Math.random().toString(36).slice(2)}`, {})).id;
    const own = (await api.deps.records.projects.get(project))!.repositoryUrl;
    const wanted = { url: 'https://m.example.org/a.git', ...body() };
    if (_.startsWith('the project')) wanted.url = own.replace(/\.git$/, '/');
    const answer = await api.call('POST', `/projects/${project}/remote_mirrors`, { body: wanted });
    expect([answer.status, Object.keys(answer.body.message), answer.body.code]).toEqual([400, [field], code]);
    expect((await api.call('GET', `/projects/${project}/remote_mirrors`)).body).toEqual([]);
  });

  it('names what of a regex RE2 cannot read', async () => {
    expect((await newMirror({ mirror_branch_regex: '(?=x)' })).body.message.mirror_branch_regex[0]).toContain('(?=');
  });

  it('refuses both filters, a missing URL, and a second mirror to one place', async () => {
    const both = await newMirror({ only_protected_branches: true, mirror_branch_regex: 'x' });
    expect(both).toMatchObject({
      status: 400,
      body: { error: 'only_protected_branches, mirror_branch_regex are mutually exclusive', code: 'filters_exclusive' },
    });
    expect(await api.call('POST', `/projects/${project}/remote_mirrors`, { body: {} })).toMatchObject({
      status: 400,
      body: { error: 'url is missing' },
    });
    await newMirror();
    const again = await api.call('POST', `/projects/${project}/remote_mirrors`, { body: { url: 'https://M.example.org:443/a/' } });
    expect([again.status, Object.keys(again.body.message)]).toEqual([400, ['url']]);
  });

  it('stores host keys in known_hosts form and shows their fingerprints', async () => {
    const mirror = await newMirror({ url: 'https://m.example.org:8443/a.git', host_keys: [hostKey] });
    expect(mirror.body.host_keys).toEqual([
      {
        type: 'ssh-ed25519',
        fingerprint_sha256: 'SHA256:cl/ukwPpt6RCku7iGyIaHauaEmMA/Hk3xaB0qt3rjqc',
        fingerprint_md5: 'MD5:f7:1f:a9:8a:ca:ad:b9:e5:e9:9e:a2:1a:51:95:ef:19',
      },
    ]);
    expect((await recordOf(mirror)).hostKeys).toEqual([`[m.example.org]:8443 ${hostKey}`]);
  });

  it('leaves neither mirror nor secret behind when the secret store is down', async () => {
    const { secrets } = api.deps;
    const create = secrets.create;
    Object.assign(secrets, { create: () => Promise.reject(new GitferryError('secrets_unavailable')) });
    const answer = await newMirror({ url: 'https://me:token-1@m.example.org/a.git' });
    Object.assign(secrets, { create });
    expect(answer).toMatchObject({ status: 503, body: { code: 'secrets_unavailable' } });
    expect((await api.call('GET', `/projects/${project}/remote_mirrors`)).body).toEqual([]);
  });
});

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID46anbqQPsVQ6AlAySRFvytXAZKZRxCSawLvLWJq7DG';

describe.each(['PUT', 'POST'])('%s /projects/:id/remote_mirrors/:mirror_id', (method) => {
  const edit = (mirror: ApiAnswer, body: object) => api.call(method, pathOf(mirror), { body });

  it('changes what is given and nothing else', async () => {
    const mirror = await newMirror({ keep_divergent_refs: true, delete_ambiguous_refs: true, mirror_branch_regex: '^release' });
    const answer = await edit(mirror, { enabled: '1', mirror_tags: '^v', lfs: 'off' });
    expect(answer).toMatchObject({ status: 200, body: { ...mirror.body, mirror_tags: '^v', lfs: 'off' } });
  });

  it('counts the stored filter', async () => {
    const mirror = await newMirror({ only_protected_branches: true });
    expect((await edit(mirror, { mirror_branch_regex: 'x' })).status).toBe(400);
    expect((await edit(mirror, { mirror_branch_regex: 'x', only_protected_branches: false })).body.mirror_branch_regex).toBe('x');
    expect((await edit(mirror, { only_protected_branches: true })).status).toBe(400);
    expect((await edit(mirror, { only_protected_branches: true, mirror_branch_regex: null })).body.only_protected_branches).toBe(true);
    expect((await edit(mirror, { only_protected_branches: false, mirror_branch_regex: '' })).body.mirror_branch_regex).toBeNull();
  });

  it('resets, un-pauses and runs it when its URL, credentials or host keys change', async () => {
    for (const change of [
      { url: 'https://m.example.org/b.git' },
      { password: 'new-token' },
      { host_keys: [hostKey] },
      { url: 'https://u:p-1234@m.example.org/a.git' },
    ]) {
      const mirror = await newMirror();
      await pause(mirror);
      await api.wakeUps();
      const answer = await edit(mirror, change);
      expect(answer.body).toMatchObject({ paused: false, update_status: 'none', last_error: null, next_run_at: expect.any(String) });
      expect(await api.wakeUps()).toEqual([keyOf(mirror)]);
    }
  });

  it('changes no status when nothing of the kind changes', async () => {
    const mirror = await newMirror({ username: 'me', password: 'token-4' });
    await pause(mirror);
    await api.wakeUps();
    const answer = await edit(mirror, { url: 'https://m.example.org/a.git', keep_divergent_refs: true, host_keys: [] });
    expect(answer.body).toMatchObject({ paused: true, update_status: 'failed', keep_divergent_refs: true });
    expect([await api.wakeUps(), await secretOf(mirror)]).toEqual([[], { username: 'me', password: 'token-4' }]);
  });

  it('runs it when it is enabled', async () => {
    const mirror = await newMirror({ enabled: false });
    expect((await edit(mirror, { enabled: true })).body.enabled).toBe(true);
    expect(await api.wakeUps()).toEqual([keyOf(mirror)]);
    expect((await edit(mirror, { enabled: false })).body).toMatchObject({ enabled: false, next_run_at: null });
  });

  it.each([
    ['the same host', 'https://m.example.org/other.git', { username: 'me', password: 'token-5' }],
    ['another host', 'https://evil.example.org/a.git', null],
    ['another port', 'https://m.example.org:444/a.git', null],
    ['plain HTTP', 'http://m.example.org/a.git', null],
    ['another host with credentials for it', 'https://you:token-6@else.example.org/a.git', { username: 'you', password: 'token-6' }],
  ])('takes the stored credential to %s only', async (_, url, stored) => {
    const mirror = await newMirror({ username: 'me', password: 'token-5' });
    const { credential } = await recordOf(mirror);
    expect((await edit(mirror, { url })).status).toBe(200);
    expect(await secretOf(mirror)).toEqual(stored);
    if (credential?.kind !== 'own') throw new Error('no secret of its own');
    const old = api.deps.secrets.read(credential.secretName, { fresh: true });
    if (_ === 'the same host') expect(await old).toEqual(stored);
    else await expect(old).rejects.toMatchObject({ code: 'secret_missing' });
  });

  it('keeps host keys on the same host only', async () => {
    const mirror = await newMirror({ host_keys: [hostKey] });
    expect((await edit(mirror, { url: 'https://m.example.org/b.git' })).body.host_keys).toHaveLength(1);
    expect((await edit(mirror, { url: 'https://n.example.org/b.git' })).body.host_keys).toEqual([]);
  });

  it('completes a credential from the stored one, and drops it when asked to', async () => {
    const mirror = await newMirror({ username: 'me', password: 'token-7' });
    await edit(mirror, { password: 'token-8' });
    expect(await secretOf(mirror)).toEqual({ username: 'me', password: 'token-8' });
    await edit(mirror, { username: 'you' });
    expect(await secretOf(mirror)).toEqual({ username: 'you', password: 'token-8' });
    await edit(mirror, { username: null, password: null });
    expect([await secretOf(mirror), (await api.call('GET', pathOf(mirror))).body.url]).toEqual([null, 'https://m.example.org/a.git']);
  });

  it('refuses what cannot be saved and leaves everything as it was', async () => {
    const mirror = await newMirror({ username: 'me', password: 'token-7' });
    const before = await recordOf(mirror);
    for (const body of [
      { url: 'git@h:x' },
      { url: null },
      { enabled: null },
      { enabled: 'maybe' },
      { host_keys: ['x'] },
      { id: 3 },
      { mirror_branch_regex: '(' },
    ])
      expect((await edit(mirror, body)).status).toBe(400);
    expect(await recordOf(mirror)).toEqual(before);
  });

  it.each([
    ['987654', 404],
    ['0', 400],
    ['abc', 400],
    ['pull', 400],
  ])('answers for mirror %s with %i', async (id, status) => {
    await newMirror();
    expect((await api.call(method, `/projects/${project}/remote_mirrors/${id}`, { body: {} })).status).toBe(status);
  });
});

describe('shared credentials', () => {
  const newCredential = async () =>
    (
      await api.call('POST', '/credentials', {
        body: { name: 'robot', username: 'r', password: 'token-9', allowed_urls: ['https://m.example.org/'] },
      })
    ).body.id;

  it('are for owners to hand out: whoever chooses the URL could read them', async () => {
    const credential_id = await newCredential();
    const mirror = await newMirror();
    const maintainer = await api.newToken('maintainer');
    const limitedOwner = await api.newToken('owner', { projectIds: [project] });
    for (const token of [maintainer, limitedOwner]) {
      // Nor do they learn which there are.
      for (const id of [credential_id, 987_654]) {
        const refused = await api.call('PUT', pathOf(mirror), { body: { credential_id: id }, token });
        expect(refused).toMatchObject({
          status: 403,
          body: { message: '403 Forbidden - only owners of the whole instance may use shared credentials' },
        });
      }
    }
    expect((await api.call('PUT', pathOf(mirror), { body: { credential_id } })).body).toMatchObject({
      credential_id,
      url: 'https://*****:*****@m.example.org/a.git',
    });
    const kept = await api.call('PUT', pathOf(mirror), { body: { credential_id, keep_divergent_refs: true }, token: maintainer });
    expect(kept.body).toMatchObject({ credential_id, keep_divergent_refs: true });
    const moved = await api.call('PUT', pathOf(mirror), { body: { url: 'https://mine.example.org/x' }, token: maintainer });
    expect(moved.body.credential_id).toBeNull();
  });

  it('give way to an own one, and the other way round', async () => {
    const credential_id = await newCredential();
    const mirror = await newMirror({ username: 'me', password: 'token-7' });
    await api.call('PUT', pathOf(mirror), { body: { credential_id } });
    expect(await secretOf(mirror)).toEqual({ kind: 'shared', credentialId: credential_id });
    await api.call('PUT', pathOf(mirror), { body: { username: 'me', password: 'token-8' } });
    expect(await secretOf(mirror)).toEqual({ username: 'me', password: 'token-8' });
  });

  it('is taken away by null, which does nothing to an own one: a client may write back what it has read', async () => {
    const own = await newMirror({ username: 'me', password: 'token-8' });
    await api.call('PUT', pathOf(own), { body: { credential_id: null } });
    expect(await secretOf(own)).toEqual({ username: 'me', password: 'token-8' });
    await api.call('PUT', pathOf(own), { body: { credential_id: await newCredential() } });
    await api.call('PUT', pathOf(own), { body: { credential_id: null } });
    expect(await secretOf(own)).toBeNull();
  });

  it.each([['password'], ['username']])('is not replaced by half of an own one: %s alone', async (field) => {
    const mirror = await newMirror({ username: 'me', password: 'token-7' });
    const credential_id = await newCredential();
    await api.call('PUT', pathOf(mirror), { body: { credential_id } });
    expect((await api.call('PUT', pathOf(mirror), { body: { [field]: 'alone' } })).status).toBe(400);
    expect(await secretOf(mirror)).toEqual({ kind: 'shared', credentialId: credential_id });
  });
});

describe('a push mirror', () => {
  it.each(['room', 'host_down'] as const)('says that its update waits for: %s, or for the end of silent mode', async (reason) => {
    const mirror = await newMirror();
    const { jobs } = api.deps;
    const key = keyOf(mirror);
    const now = Date.now();
    await jobs.acquire(key, { token: 'a-run', now });
    expect((await api.call('GET', pathOf(mirror))).body.waiting_for).toBeNull();
    const waiting = { for: reason, host: 'm.example.org', entry: '1', since: now, until: now + 60_000 };
    const again = { startAt: now, trigger: { kind: 'manual', who: 'ada' }, confirmDeletions: false, waiting } as const;
    await jobs.release(key, 'a-run', { status: {}, now, nextDueAt: now, followUpAt: now, again });
    expect((await api.call('GET', pathOf(mirror))).body.waiting_for).toBe(reason);
    await api.call('PUT', '/application/settings', { body: { silent_mode_enabled: true } });
    const { body } = await api.call('GET', `/projects/${project}/remote_mirrors`);
    expect(body.find(({ id }: { id: number }) => id === mirror.body.id).waiting_for).toBe('silent_mode');
    await api.call('PUT', '/application/settings', { body: { silent_mode_enabled: false } });
    // Another place to go, or what the host wanted: it need not wait any longer.
    expect((await api.call('PUT', pathOf(mirror), { body: { url: 'https://other.example.org/a.git' } })).body.waiting_for).toBeNull();
  });

  it('shows what happened last, and to reporters nothing of its URL', async () => {
    const mirror = await newMirror();
    await pause(mirror);
    const shown = await api.call('GET', pathOf(mirror));
    expect(shown.body).toMatchObject({
      paused: true,
      update_status: 'failed',
      last_error: 'No entry at https://m.example.org/a.git.',
      last_error_code: 'credentials_refused',
      last_run: { id: '1-x', outcome: 'failed', counts: { updated: 0 }, trigger: { kind: 'event', who: 'github' } },
      held_back_deletions: 12,
      next_run_at: null,
    });
    const reporter = await api.newToken('reporter');
    for (const path of [pathOf(mirror), `/projects/${project}/remote_mirrors`]) {
      const answer = await api.call('GET', path, { token: reporter });
      expect(answer.status).toBe(200);
      expect(answer.text).not.toContain('m.example.org');
    }
  });

  it('is listed without the pull mirror', async () => {
    const mirror = await newMirror();
    await api.call('PUT', `/projects/${project}/mirror/pull`, { body: { url: 'https://up.example.org/a.git' } });
    const list = await api.call('GET', `/projects/${project}/remote_mirrors`);
    expect([list.body.map(({ id }: { id: number }) => id), list.headers.get('x-total')]).toEqual([[mirror.body.id], '1']);
  });

  it('goes with its secret', async () => {
    const mirror = await newMirror({ username: 'me', password: 'token-7' });
    const { credential } = await recordOf(mirror);
    expect((await api.call('DELETE', pathOf(mirror), { body: {} })).status).toBe(204);
    expect((await api.call('DELETE', pathOf(mirror))).status).toBe(404);
    if (credential?.kind !== 'own') throw new Error('no secret of its own');
    await expect(api.deps.secrets.read(credential.secretName, { fresh: true })).rejects.toMatchObject({ code: 'secret_missing' });
  });

  it('is updated now, whether it runs already or is paused; not when it is disabled', async () => {
    const mirror = await newMirror();
    await pause(mirror);
    await api.wakeUps();
    const sync = (body?: object) => api.call('POST', `${pathOf(mirror)}/sync`, { ...(body === undefined ? {} : { body }) });
    expect(await sync()).toMatchObject({ status: 204, text: '' });
    expect([await api.wakeUps(), (await recordOf(mirror)).paused]).toEqual([[keyOf(mirror)], false]);
    await api.deps.jobs.acquire(keyOf(mirror), { token: 'lease', now: Date.now() });
    expect((await sync({ confirm_deletions: true })).status).toBe(204);
    await api.deps.jobs.release(keyOf(mirror), 'lease', { status: {}, now: Date.now(), nextDueAt: null, followUpAt: Date.now() });
    expect((await api.deps.jobs.acquire(keyOf(mirror), { token: 'next', now: Date.now() }))?.runConfirmDeletions).toBe(true);
    expect((await sync({ confirm_deletions: 'perhaps' })).status).toBe(400);
    await api.call('PUT', pathOf(mirror), { body: { enabled: false } });
    const refused = await sync();
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('Cannot proceed with the push mirroring')]);
  });

  it('has no public key as long as it signs in with a password', async () => {
    const mirror = await newMirror();
    for (const method of ['GET', 'POST']) expect((await api.call(method, `${pathOf(mirror)}/public_key`)).status).toBe(404);
  });

  it('shows what a run would do', async () => {
    const mirror = await newMirror();
    const ref = { ref: 'refs/heads/main', result: 'created', old: null, new: 'a'.repeat(40), reason: null } as const;
    api.plan = async (input) => {
      expect([input.mirror.id, input.project.id, input.timeoutMs]).toEqual([mirror.body.id, project, 25_000]);
      return { ...emptyOutcome, refs: [ref] };
    };
    const answer = await api.call('GET', `${pathOf(mirror)}/plan`);
    expect(answer).toMatchObject({
      status: 200,
      body: { outcome: 'success', refs: [ref], refs_total: 1, refs_truncated: false, dry_run: true },
    });
  });

  it('contacts nobody for a plan in silent mode', async () => {
    const mirror = await newMirror();
    await api.call('PUT', '/application/settings', { body: { silent_mode_enabled: true } });
    api.plan = () => Promise.reject(new Error('contacted'));
    expect(await api.call('GET', `${pathOf(mirror)}/plan`)).toMatchObject({ status: 409, body: { code: 'silent_mode' } });
    await api.call('PUT', '/application/settings', { body: { silent_mode_enabled: false } });
  });

  it('answers a plan that is too large with a part of it', async () => {
    const mirror = await newMirror();
    const refs = Array.from(
      { length: 12_000 },
      (_, index) =>
        ({ ref: `refs/heads/${'x'.repeat(900)}${index}`, result: 'created', old: null, new: 'a'.repeat(40), reason: null }) as const,
    );
    api.plan = async () => ({ ...emptyOutcome, refs });
    const answer = await api.call('GET', `${pathOf(mirror)}/plan`);
    expect(answer.text.length).toBeLessThan(5_000_000);
    expect(answer.body).toMatchObject({ refs_total: 12_000, refs_truncated: true });
  });

  it.each([
    [
      'returned',
      async () => ({ ...emptyOutcome, outcome: 'failed' as const, error: { code: 'deadline_exceeded' as const, message: 'm', hint: 'h' } }),
      504,
      'deadline_exceeded',
    ],
    ['thrown', () => Promise.reject(new GitferryError('deadline_exceeded')), 504, 'deadline_exceeded'],
    ['thrown for a credential that is gone', () => Promise.reject(new GitferryError('secret_missing')), 400, 'secret_missing'],
    ['thrown when the table is down', () => Promise.reject(new GitferryError('storage_unavailable')), 503, 'storage_unavailable'],
  ])('answers a plan that came to nothing, %s', async (_, plan, status, code) => {
    const mirror = await newMirror();
    api.plan = plan;
    expect(await api.call('GET', `${pathOf(mirror)}/plan`)).toMatchObject({ status, body: { code } });
  });
});
