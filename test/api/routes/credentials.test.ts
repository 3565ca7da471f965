import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const allowed_urls = ['https://m.example.org/', 'https://here.example.org/', 'https://there.example.org/', 'https://git.example.org/'];
const newCredential = async (name = 'robot'): Promise<number> =>
  (await api.call('POST', '/credentials', { body: { name, username: 'bot', password: 'token-1234', allowed_urls } })).body.id;
const storedValue = async (id: number) => api.deps.secrets.read((await api.deps.records.credentials.get(id))!.secretName!, { fresh: true });

async function newMirror(credentialId: number, url = 'https://m.example.org/a.git') {
  const { id: projectId } = await api.newProject();
  const made = await api.call('POST', `/projects/${projectId}/remote_mirrors`, { body: { url, credential_id: credentialId } });
  return { projectId, mirror: made.body.id as number };
}

describe('/credentials', () => {
  it('keeps values apart and never returns them', async () => {
    const id = await newCredential('service account');
    const answers = [await api.call('GET', `/credentials/${id}`), await api.call('GET', '/credentials')];
    const times = { created_at: expect.any(String), updated_at: expect.any(String) };
    expect(answers[0]?.body).toEqual({
      id,
      name: 'service account',
      auth_method: 'password',
      public_key: null,
      allowed_urls,
      expires_at: null,
      ...times,
    });
    for (const { text } of answers) expect(text).not.toMatch(/token-1234|bot/);
    expect(await storedValue(id)).toEqual({ username: 'bot', password: 'token-1234' });
  });

  it('renames without touching the value, and rotates what is given', async () => {
    const id = await newCredential();
    const before = (await api.call('GET', `/credentials/${id}`)).body;
    expect((await api.call('PUT', `/credentials/${id}`, { body: { name: 'other' } })).body).toEqual({ ...before, name: 'other' });
    const rotated = await api.call('PUT', `/credentials/${id}`, { body: { password: 'token-5678' } });
    expect(Date.parse(rotated.body.updated_at)).toBeGreaterThan(Date.parse(before.updated_at));
    expect(await storedValue(id)).toEqual({ username: 'bot', password: 'token-5678' });
  });

  it.each([
    [{ username: 'x', password: 'y' }, 'name is missing'],
    [{ name: 'x' }, 'password is missing'],
    [{ name: '', password: 'y' }, 'name is empty'],
    [{ name: 'x', password: 7 }, 'password is invalid'],
    [{ name: 'x', password: 'y', username: 'a:b' }, 'username is invalid: it must not hold a colon'],
    [{ name: 'x', password: 'y', url: 'z' }, 'url is unknown'],
  ])('does not take %j', async (body, error) => {
    expect(await api.call('POST', '/credentials', { body: { allowed_urls, ...body } })).toMatchObject({ status: 400, body: { error } });
  });

  it('does not let a value become empty', async () => {
    const id = await newCredential();
    expect((await api.call('PUT', `/credentials/${id}`, { body: { username: '', password: null } })).status).toBe(400);
    expect(await storedValue(id)).toEqual({ username: 'bot', password: 'token-1234' });
  });

  it('deletes only what nothing uses, with its secret', async () => {
    const id = await newCredential();
    const secretName = (await api.deps.records.credentials.get(id))!.secretName!;
    const { projectId, mirror } = await newMirror(id);
    const refused = await api.call('DELETE', `/credentials/${id}`);
    expect([refused.status, refused.body.message]).toEqual([409, expect.stringContaining('1 mirror')]);
    await api.call('DELETE', `/projects/${projectId}/remote_mirrors/${mirror}`);
    expect((await api.call('DELETE', `/credentials/${id}`)).status).toBe(204);
    await expect(api.deps.secrets.read(secretName, { fresh: true })).rejects.toMatchObject({ code: 'secret_missing' });
    for (const method of ['GET', 'PUT', 'DELETE']) expect((await api.call(method, `/credentials/${id}`)).status).toBe(404);
  });
});

describe('POST /credentials/:id/transfer', () => {
  it('points everything at another credential, and runs it', async () => {
    const [from, to] = [await newCredential('leaver'), await newCredential('service')];
    const keys = [await newMirror(from), await newMirror(from), await newMirror(from)];
    const project = await api.newProject(undefined, { credential_id: from });
    const made = await api.call('POST', `/projects/${project.id}/remote_mirrors`, { body: { url: 'https://m.example.org/b.git' } });
    // What waited is done by now.
    for (const key of [...keys, { projectId: project.id, mirror: made.body.id }]) {
      await api.deps.jobs.acquire(key, { token: 'lease', now: Date.now() });
      await api.deps.jobs.release(key, 'lease', {
        status: { updateStatus: 'failed' },
        now: Date.now(),
        nextDueAt: null,
        followUpAt: Date.now(),
      });
    }
    await api.wakeUps();
    const answer = await api.call('POST', `/credentials/${from}/transfer`, { body: { to } });
    expect(answer).toMatchObject({ status: 200, body: { mirrors: 3, projects: 1 } });
    const byNumber = (all: readonly { readonly mirror: unknown }[]) => all.map(({ mirror }) => Number(mirror)).sort((a, b) => a - b);
    expect(byNumber(await api.wakeUps())).toEqual(byNumber([...keys, { mirror: made.body.id }]));
    for (const key of keys) expect((await api.deps.records.mirrors.get(key))?.credential).toEqual({ kind: 'shared', credentialId: to });
    expect((await api.call('DELETE', `/credentials/${from}`)).status).toBe(204);
  });

  it('may be limited to one host', async () => {
    const [from, to] = [await newCredential(), await newCredential()];
    const here = await newMirror(from, 'https://here.example.org/a.git');
    const there = await newMirror(from, 'https://there.example.org/a.git');
    expect((await api.call('POST', `/credentials/${from}/transfer`, { body: { to, host: 'HERE.example.org' } })).body).toEqual({
      mirrors: 1,
      projects: 0,
    });
    expect((await api.deps.records.mirrors.get(here))?.credential).toMatchObject({ credentialId: to });
    expect((await api.deps.records.mirrors.get(there))?.credential).toMatchObject({ credentialId: from });
  });

  it.each([
    [{}, { error: 'to is missing' }],
    [{ to: 'x' }, { error: 'to is invalid' }],
    [{ to: 4711 }, { message: { to: ['does not exist'] } }],
    [{ to: 4711, host: '' }, { error: 'host is empty' }],
  ])('refuses %j', async (body, error) => {
    const from = await newCredential();
    expect(await api.call('POST', `/credentials/${from}/transfer`, { body })).toMatchObject({ status: 400, body: error });
  });

  it('refuses a transfer to itself, a host that is a URL, and an unknown credential', async () => {
    const from = await newCredential();
    const to = await newCredential();
    expect((await api.call('POST', `/credentials/${from}/transfer`, { body: { to: from } })).status).toBe(400);
    expect((await api.call('POST', `/credentials/${from}/transfer`, { body: { to, host: 'https://h' } })).status).toBe(400);
    expect((await api.call('POST', '/credentials/4711/transfer', { body: { to } })).status).toBe(404);
  });
});
