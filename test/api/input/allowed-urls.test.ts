/** Where a shared credential may be used: checked by every call that could point it somewhere. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiAnswer, startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const refused = { status: 400, body: { code: 'credential_not_allowed', message: { credential_id: [expect.any(String)] } } };

async function newCredential(...allowed_urls: readonly string[]): Promise<number> {
  const body = { name: 'robot', username: 'bot', password: 'token-1234', allowed_urls };
  return (await api.call('POST', '/credentials', { body })).body.id;
}

/** As it was before there were allowed URLs. */
async function oldCredential(): Promise<number> {
  const secretName = await api.deps.secrets.create('credential', { username: 'bot', password: 'token-1234' });
  return (await api.deps.records.credentials.create({ name: 'old', secretName, createdAt: 1, updatedAt: 1 })).id;
}

async function newMirror(body: object, project?: number): Promise<ApiAnswer & { path: string }> {
  const id = project ?? (await api.newProject()).id;
  const made = await api.call('POST', `/projects/${id}/remote_mirrors`, { body });
  return { ...made, path: `/projects/${id}/remote_mirrors/${made.body.id}` };
}

describe('a shared credential', () => {
  it('is made with the places where it may be used, and not without', async () => {
    const body = { name: 'x', password: 'y-value' };
    expect(await api.call('POST', '/credentials', { body })).toMatchObject({ status: 400, body: { error: 'allowed_urls is missing' } });
    for (const allowed_urls of [[], ['github.com'], ['https://u:hunter22@github.com/'], ['https://github.com/%2e%2e%2f']])
      expect((await api.call('POST', '/credentials', { body: { ...body, allowed_urls } })).status).toBe(400);
    const made = await api.call('POST', '/credentials', { body: { ...body, allowed_urls: ['https://GitHub.com/acme'] } });
    expect(made.body.allowed_urls).toEqual(['https://github.com/acme/']);
    const changed = await api.call('PUT', `/credentials/${made.body.id}`, { body: { allowed_urls: ['https://github.com/other/'] } });
    expect(changed.body.allowed_urls).toEqual(['https://github.com/other/']);
  });

  it('is attached nowhere else: push mirror, pull mirror, project, preview and plan', async () => {
    const credential_id = await newCredential('https://github.com/acme/');
    const project = (await api.newProject()).id;
    const at = (url: string) => ({ url, credential_id });
    expect(await newMirror(at('https://github.com/acme-evil/app'), project)).toMatchObject(refused);
    const calls: readonly (readonly [string, string, object])[] = [
      ['PUT', `/projects/${project}/mirror/pull`, at('https://github.com/other/app')],
      ['POST', `/projects/${project}/mirror/pull`, at('https://github.com/acme/../other/app')],
      ['PUT', `/projects/${project}`, { repository_url: 'https://github.com/other/app', credential_id }],
      ['POST', '/projects', { path: 'group/refused', repository_url: 'https://mine.example.org/acme/app', credential_id }],
      ['POST', `/projects/${project}/mirror/plan`, { direction: 'push', ...at('https://github.com/other/app') }],
      ['POST', `/projects/${project}/mirror/preview`, { direction: 'pull', ...at('https://github.com/other/app') }],
    ];
    for (const [method, path, body] of calls) expect(await api.call(method, path, { body }), `${method} ${path}`).toMatchObject(refused);
    expect((await newMirror(at('https://github.com/acme/app'), project)).status).toBe(201);
  });

  it('does not move with a URL to where it may not be used, whoever changes that', async () => {
    const credential_id = await newCredential('https://github.com/acme/');
    const { path } = await newMirror({ url: 'https://github.com/acme/app', credential_id });
    const token = await api.newToken('maintainer');
    for (const url of ['https://github.com/other/app', 'https://*****:*****@github.com/other/app'])
      expect(await api.call('PUT', path, { body: { url }, token })).toMatchObject(refused);
    expect((await api.call('PUT', path, { body: { url: 'https://github.com/acme/next' }, token })).body).toMatchObject({ credential_id });
    // What is about nothing of this goes on.
    await api.call('PUT', `/credentials/${credential_id}`, { body: { allowed_urls: ['https://github.com/other/'] } });
    expect((await api.call('PUT', path, { body: { keep_divergent_refs: true }, token })).status).toBe(200);
  });

  it('is transferred only to where the other one may be used', async () => {
    const from = await newCredential('https://a.example.org/', 'https://b.example.org/');
    const to = await newCredential('https://a.example.org/');
    const one = await newMirror({ url: 'https://a.example.org/r', credential_id: from });
    const other = await newMirror({ url: 'https://b.example.org/r', credential_id: from });
    expect((await api.call('POST', `/credentials/${from}/transfer`, { body: { to } })).body).toEqual({ mirrors: 1, projects: 0 });
    expect((await api.call('GET', one.path)).body.credential_id).toBe(to);
    expect((await api.call('GET', other.path)).body.credential_id).toBe(from);
  });

  it('of before keeps the hosts that it was used at when it is first asked for', async () => {
    const id = await oldCredential();
    const { records } = api.deps;
    const { path, body } = await newMirror({ url: 'https://was.example.org/group/app' });
    const [, , projectId] = path.split('/');
    const key = { projectId: Number(projectId), mirror: body.id };
    await records.mirrors.update(key, { credential: { kind: 'shared', credentialId: id } }, { resetStatus: false });
    expect(await newMirror({ url: 'https://new.example.org/r', credential_id: id })).toMatchObject(refused);
    expect((await api.call('GET', `/credentials/${id}`)).body.allowed_urls).toEqual(['https://was.example.org/']);
    expect((await newMirror({ url: 'https://was.example.org/other', credential_id: id })).status).toBe(201);
    expect((await records.credentials.get(id))?.allowedUrls).toEqual(['https://was.example.org/']);
  });

  it('of before that nothing uses may be used nowhere until its owner says where', async () => {
    const id = await oldCredential();
    expect(await newMirror({ url: 'https://any.example.org/r', credential_id: id })).toMatchObject(refused);
    await api.call('PUT', `/credentials/${id}`, { body: { allowed_urls: ['https://any.example.org/'] } });
    expect((await newMirror({ url: 'https://any.example.org/r', credential_id: id })).status).toBe(201);
  });
});
