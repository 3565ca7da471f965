import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const secretOf = async (id: number) => {
  const credential = (await api.deps.records.projects.get(id))?.credential;
  return credential?.kind === 'own' ? api.deps.secrets.read(credential.secretName, { fresh: true }) : credential;
};

describe('POST /projects', () => {
  it('registers a repository and keeps the user info of its URL as its credential', async () => {
    const body = { path: 'Team/app', repository_url: 'https://me:p%40ss-word@git.example.org/team/app.git' };
    const answer = await api.call('POST', '/projects', { body });
    expect(answer.body).toEqual({
      id: expect.any(Number),
      name: 'app',
      path: 'app',
      path_with_namespace: 'Team/app',
      default_branch: null,
      repository_url: 'https://*****:*****@git.example.org/team/app.git',
      auth_method: 'password',
      credential_id: null,
      host_keys: [],
      mirror: false,
      created_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
    });
    expect(await secretOf(answer.body.id)).toEqual({ username: 'me', password: 'p@ss-word' });
    expect((await api.deps.records.projects.get(answer.body.id))?.repositoryUrl).toBe('https://git.example.org/team/app.git');
  });

  it.each([
    ['a path that is taken, in another case', { path: 'TEAM/App' }, 'path', undefined],
    ['a path without a group', { path: 'app' }, 'path', undefined],
    ['an empty segment', { path: 'a//b' }, 'path', undefined],
    ['a path that begins with a hyphen', { path: 'a/-b' }, 'path', undefined],
    ['a path that climbs', { path: 'a/..' }, 'path', undefined],
    ['a path that ends in .git', { path: 'a/b.git' }, 'path', undefined],
    ['a path with a space', { path: 'a/b c' }, 'path', undefined],
    ['a word that routes use', { path: 'a/Remote_Mirrors' }, 'path', undefined],
    ['a group that routes use', { path: 'mirror/b' }, 'path', undefined],
    ['no URL at all', { repository_url: '' }, 'repository_url', 'invalid_url'],
    ['a file', { repository_url: 'file:///etc/passwd' }, 'repository_url', 'unsupported_scheme'],
    ['another scheme', { repository_url: 'ftp://h.example.org/x' }, 'repository_url', 'unsupported_scheme'],
    ['SSH without a host key', { repository_url: 'ssh://git@h.example.org/x' }, 'host_keys', 'host_key_unknown'],
    ['an SCP-style address', { repository_url: 'git@h.example.org:x/y' }, 'repository_url', 'scp_style_url'],
    ['a loopback address', { repository_url: 'http://127.0.0.1/x' }, 'repository_url', 'address_blocked'],
    ['a loopback address in disguise', { repository_url: 'http://2130706433/x' }, 'repository_url', 'address_blocked'],
    ['a mapped address', { repository_url: 'http://[::ffff:10.0.0.1]/x' }, 'repository_url', 'address_blocked'],
    ['the metadata address', { repository_url: 'http://169.254.169.254/latest' }, 'repository_url', 'address_blocked'],
    ['a key to sign in over HTTPS', { auth_method: 'ssh_public_key' }, 'auth_method', undefined],
    ['a host key that is none', { host_keys: ['nonsense'] }, 'host_keys', undefined],
    ['a credential that does not exist', { credential_id: 4711 }, 'credential_id', undefined],
  ])('refuses %s', async (_, change, field, code) => {
    const answer = await api.call('POST', '/projects', { body: { path: 'new/one', repository_url: 'https://h.example.org/x', ...change } });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toEqual({ [field]: [expect.any(String)] });
    expect(answer.body.code).toBe(code);
    expect((await api.call('GET', '/projects/new%2Fone')).status).toBe(404);
  });

  it('says the ssh:// form of an SCP-style address, and never repeats a password', async () => {
    const scp = await api.call('POST', '/projects', { body: { path: 'a/b', repository_url: 'git@h.example.org:x/y.git' } });
    expect(scp.body.message.repository_url[0]).toContain('ssh://git@h.example.org/x/y.git');
    const blocked = await api.call('POST', '/projects', { body: { path: 'a/b', repository_url: 'http://me:hunter22@10.0.0.1/x' } });
    expect([blocked.status, blocked.body.code]).toEqual([400, 'address_blocked']);
    expect(blocked.text).not.toContain('hunter22');
  });

  it.each([
    ['an own and a shared credential', { credential_id: 1, username: 'x' }, 'credential_id, username and password are mutually exclusive'],
    ['one thing under two names', { username: 'x', auth_user: 'y' }, 'username, auth_user are mutually exclusive'],
    ['a user name that HTTP cannot carry', { username: 'x:y' }, 'username is invalid: it must not hold a colon'],
    ['a password with a line break', { password: 'x\ny' }, 'password is invalid: it holds a line break or control character'],
  ])('refuses %s', async (_, change, error) => {
    const answer = await api.call('POST', '/projects', { body: { path: 'a/b', repository_url: 'https://h.example.org/x', ...change } });
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  });

  it('leaves no secret behind when the path is taken', async () => {
    const removed: string[] = [];
    const { secrets } = api.deps;
    const remove = secrets.delete;
    const noted = (name: string) => {
      removed.push(name);
      return remove(name);
    };
    Object.assign(secrets, { delete: noted });
    const body = { path: 'team/app', repository_url: 'https://me:secret-1@git.example.org/other.git' };
    expect((await api.call('POST', '/projects', { body })).status).toBe(400);
    Object.assign(secrets, { delete: remove });
    expect(removed).toHaveLength(1);
    await expect(secrets.read(removed[0]!, { fresh: true })).rejects.toMatchObject({ code: 'secret_missing' });
  });

  it('takes GitLab’s attributes that mean nothing here', async () => {
    const body = {
      path: 'git/lab',
      repository_url: 'https://h.example.org/x',
      name: 'Lab',
      visibility: 'private',
      description: null,
      topics: ['x'],
    };
    expect((await api.call('POST', '/projects', { body })).body).toMatchObject({ name: 'lab' });
  });
});

describe('GET /projects', () => {
  it('pages through them, the newest first, with GitLab’s headers', async () => {
    const token = await api.newToken('reporter', {
      projectIds: [(await api.newProject()).id, (await api.newProject()).id, (await api.newProject()).id],
    });
    const second = await api.call('GET', '/projects?page=2&per_page=1&simple=true', { token });
    const first = await api.call('GET', '/projects?per_page=1', { token });
    const last = await api.call('GET', '/projects?per_page=1&page=3', { token });
    expect([first, second, last].map(({ body }) => body.length)).toEqual([1, 1, 1]);
    expect(first.body[0].id).toBeGreaterThan(second.body[0].id);
    const names = ['x-total', 'x-total-pages', 'x-page', 'x-per-page', 'x-next-page', 'x-prev-page'];
    const headersOf = ({ headers }: typeof first) => names.map((name) => headers.get(name));
    expect(headersOf(first)).toEqual(['3', '3', '1', '1', '2', '']);
    expect(headersOf(second)).toEqual(['3', '3', '2', '1', '3', '1']);
    expect(headersOf(last)).toEqual(['3', '3', '3', '1', '', '2']);
    const url = (page: number) => `https://ferry.example.org/api/v4/projects?page=${page}&per_page=1&simple=true`;
    expect(second.headers.get('link')).toBe(
      `<${url(1)}>; rel="prev", <${url(3)}>; rel="next", <${url(1)}>; rel="first", <${url(3)}>; rel="last"`,
    );
  });

  it('goes deeper by keyset, in both directions', async () => {
    const ids = [(await api.newProject()).id, (await api.newProject()).id, (await api.newProject()).id];
    const token = await api.newToken('reporter', { projectIds: ids });
    for (const sort of ['asc', 'desc']) {
      const seen: number[] = [];
      let query: string | undefined = `pagination=keyset&order_by=id&sort=${sort}&per_page=2`;
      while (query !== undefined) {
        const page = await api.call('GET', `/projects?${query}`, { token });
        expect(page.headers.get('x-total')).toBeNull();
        seen.push(...page.body.map(({ id }: { id: number }) => id));
        query = /\?([^>]*)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
      }
      expect(seen).toEqual(sort === 'asc' ? ids : [...ids].reverse());
    }
  });

  it.each([
    ['page=0', 'page must be at least 1'],
    ['page=x', 'page is invalid'],
    ['per_page=-1', 'per_page must be at least 1'],
    ['order_by=stars', 'order_by does not have a valid value'],
    ['sort=up', 'sort does not have a valid value'],
    ['nonsense=x', 'nonsense is unknown'],
    ['sort=desc&id_after=3', 'id_after goes with sort=asc'],
  ])('refuses %s', async (query, error) => {
    expect(await api.call('GET', `/projects?${query}`)).toMatchObject({ status: 400, body: { error } });
  });

  it('searches paths without regard to case, in pages, only among what the token may see', async () => {
    const made: number[] = [];
    for (const path of ['needles/One', 'needles/two', 'hay/NEEDLES-three']) made.push((await api.newProject(path)).id);
    const ids = async (query: string, token?: string): Promise<number[]> => {
      const { body } = await api.call('GET', `/projects?${query}`, token === undefined ? {} : { token });
      return body.map(({ id }: { id: number }) => id);
    };
    expect(await ids('search=Needles&sort=asc')).toEqual(made);
    expect(await ids('search=needles&sort=desc&per_page=2&page=2')).toEqual([made[0]]);
    expect(await ids('search=no-such-thing')).toEqual([]);
    const token = await api.newToken('reporter', { projectIds: [made[1] ?? 0] });
    expect(await ids('search=needles', token)).toEqual([made[1]]);
  });

  it('takes more than 100 a page for 100, and refuses pages that lie too deep', async () => {
    expect((await api.call('GET', '/projects?per_page=1000')).headers.get('x-per-page')).toBe('100');
    expect((await api.call('GET', '/projects?per_page=100&page=502')).status).toBe(400);
  });
});

describe('a project', () => {
  it('is found by number, by encoded and by decoded path, in any case, and shows reporters no URL', async () => {
    const { id } = await api.newProject('deep/er/Path');
    const reporter = await api.newToken('reporter');
    for (const name of [id, 'deep%2Fer%2FPath', 'deep/er/path', 'DEEP%2fER%2fPATH']) {
      const answer = await api.call('GET', `/projects/${name}`, { token: reporter });
      expect(answer.body).toMatchObject({ id, path_with_namespace: 'deep/er/Path' });
      expect(answer.text).not.toContain('git.example.org');
    }
    expect((await api.lambda('GET', '/projects/deep/er/Path')).body.repository_url).toBe('https://git.example.org/deep/er/Path.git');
  });

  it('moves, and its former path is free again', async () => {
    const { id } = await api.newProject('old/place');
    expect((await api.call('PUT', `/projects/${id}`, { body: { path: 'new/place' } })).body.path_with_namespace).toBe('new/place');
    expect((await api.call('GET', '/projects/old%2Fplace')).status).toBe(404);
    await api.newProject('old/place');
    const taken = await api.call('PUT', `/projects/${id}`, { body: { path: 'old/place' } });
    expect(taken).toMatchObject({ status: 400, body: { message: { path: ['has already been taken'] } } });
  });

  it('keeps its credential while the URL stays on its host, and drops it otherwise', async () => {
    const { id } = await api.newProject('kept/credential', { username: 'me', password: 'secret-9' });
    const put = (body: object) => api.call('PUT', `/projects/${id}`, { body });
    await put({ repository_url: 'https://git.example.org/renamed.git' });
    expect(await secretOf(id)).toEqual({ username: 'me', password: 'secret-9' });
    await put({ password: 'secret-10' });
    expect(await secretOf(id)).toEqual({ username: 'me', password: 'secret-10' });
    const moved = await put({ repository_url: 'https://git.example.org:8443/renamed.git' });
    expect([moved.body.repository_url, await secretOf(id)]).toEqual(['https://git.example.org:8443/renamed.git', null]);
  });

  it('resets and runs its mirrors when its repository changes, and refuses the place of one of them', async () => {
    const { id } = await api.newProject();
    const mirror = await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://m.example.org/a.git' } });
    const off = await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://m.example.org/b.git', enabled: false } });
    await api.wakeUps();
    const key = { projectId: id, mirror: mirror.body.id };
    await api.deps.jobs.acquire(key, { token: 'lease', now: Date.now() });
    await api.deps.jobs.release(key, 'lease', {
      status: { updateStatus: 'failed', paused: true },
      now: Date.now(),
      nextDueAt: null,
      followUpAt: Date.now(),
    });
    expect((await api.call('PUT', `/projects/${id}`, { body: { repository_url: 'https://m.example.org/a' } })).status).toBe(400);
    await api.call('PUT', `/projects/${id}`, { body: { repository_url: 'https://git.example.org/elsewhere.git' } });
    expect(await api.deps.records.mirrors.get(key)).toMatchObject({ paused: false, updateStatus: 'none', lastError: null });
    expect(await api.wakeUps()).toEqual([key]);
    expect((await api.deps.records.mirrors.get({ projectId: id, mirror: off.body.id }))?.queuedAt).toBeNull();
  });

  it('goes with all its mirrors, hooks and secrets', async () => {
    const { id } = await api.newProject('short/lived', { username: 'me', password: 'secret-2' });
    await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://a:secret-3@m.example.org/a.git' } });
    const contents = await api.deps.records.projects.contents(id);
    const names = [contents!.project, ...contents!.mirrors].map(({ credential }) =>
      credential?.kind === 'own' ? credential.secretName : '',
    );
    expect(await api.call('DELETE', `/projects/${id}`, { body: {} })).toMatchObject({ status: 202, body: { message: '202 Accepted' } });
    expect((await api.call('GET', `/projects/${id}`)).status).toBe(404);
    for (const name of names) await expect(api.deps.secrets.read(name, { fresh: true })).rejects.toMatchObject({ code: 'secret_missing' });
    await api.newProject('short/lived');
  });
});
