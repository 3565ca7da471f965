import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credential } from '../../../lib/credentials/credential.ts';
import { isPair } from '../../../lib/git/transport/ssh/ssh-key-pair.ts';
import type { Mirror } from '../../../lib/model/mirror.ts';
import { type Json, startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID46anbqQPsVQ6AlAySRFvytXAZKZRxCSawLvLWJq7DG';
const key = { auth_method: 'ssh_public_key', host_keys: [hostKey] };
const ed25519 = /^ssh-ed25519 [A-Za-z0-9+/]{68} gitferry@ferry\.example\.org$/;
let hosts = 0;
const allowed_urls = Array.from({ length: 49 }, (_, index) => `ssh://h${index + 1}.example.org/`);

interface Made {
  readonly project: number;
  readonly path: string;
  readonly body: Json;
  record(): Promise<Mirror>;
  value(): Promise<Credential>;
  publicKey(): Promise<string>;
}

async function newMirror(more: object = {}): Promise<Made> {
  const { id: project } = await api.newProject();
  const { status, body, text } = await api.call('POST', `/projects/${project}/remote_mirrors`, {
    body: { url: `ssh://git@h${++hosts}.example.org/r.git`, ...key, ...more },
  });
  if (status !== 201) throw new Error(text);
  const path = `/projects/${project}/remote_mirrors/${body.id}`;
  const record = async () => (await api.deps.records.mirrors.get({ projectId: project, mirror: body.id }))!;
  const value = async () => {
    const { credential } = await record();
    if (credential?.kind !== 'own') throw new Error('no secret of its own');
    return (await api.deps.secrets.read(credential.secretName, { fresh: true })) as Credential;
  };
  return { project, path, body, record, value, publicKey: async () => (await api.call('GET', `${path}/public_key`)).body?.public_key };
}

const put = (path: string, body: object) => api.call('PUT', path, { body });
const isGone = async (secretName: string) =>
  (await api.deps.secrets.read(secretName, { fresh: true }).catch(({ code }) => code)) === 'secret_missing';

describe('a mirror with a key pair', () => {
  it('is made with one whose public half can be read, and whose private half is in its secret only', async () => {
    const made = await newMirror();
    expect(made.body).toMatchObject({ auth_method: 'ssh_public_key', url: `ssh://*****@h${hosts}.example.org/r.git` });
    const { username, password, privateKey = '', publicKey = '' } = await made.value();
    expect([username, password, publicKey]).toEqual(['git', '', await made.publicKey()]);
    expect(publicKey).toMatch(ed25519);
    expect(isPair({ privateKey, publicKey })).toBe(true);
    const reader = await api.newToken('reporter');
    expect((await api.call('GET', `${made.path}/public_key`, { token: reader })).body).toEqual({ public_key: publicKey });
    expect((await api.call('POST', `${made.path}/public_key`, { token: reader })).status).toBe(403);
    const line = privateKey.split('\n')[2]!;
    for (const text of [...api.logLines, JSON.stringify(await made.record()), (await api.call('GET', made.path)).text])
      expect(text).not.toContain(line);
  });

  it('gets an RSA key where that is asked for', async () => {
    const made = await newMirror({ key_type: 'rsa' });
    expect(await made.publicKey()).toMatch(/^ssh-rsa [A-Za-z0-9+/=]{716} gitferry@/);
  });

  it('gets another pair by POST, of the same type or of another; the old secret goes, the status starts anew, no run starts', async () => {
    const made = await newMirror();
    const before = await made.record();
    const old = await made.publicKey();
    await api.wakeUps();
    const { status, body } = await api.call('POST', `${made.path}/public_key`);
    expect([status, body.public_key]).toEqual([201, await made.publicKey()]);
    expect(body.public_key).toMatch(ed25519);
    expect(body.public_key).not.toBe(old);
    expect((await made.value()).username).toBe('git');
    expect(await made.record()).toMatchObject({ updateStatus: 'none', paused: false });
    expect(await api.wakeUps()).toEqual([]);
    expect(before.credential?.kind === 'own' && (await isGone(before.credential.secretName))).toBe(true);
    const rsa = await api.call('POST', `${made.path}/public_key`, { body: { key_type: 'rsa' } });
    expect(rsa.body.public_key).toMatch(/^ssh-rsa /);
    expect((await api.call('POST', `${made.path}/public_key`, { body: { key_type: 'dsa' } })).status).toBe(400);
  });

  it.each([
    ['the same settings', (url: string) => ({ url, ...key })],
    ['another path', (url: string) => ({ url: `${url}x` })],
    ['another user', (url: string) => ({ url: url.replace('git@', 'deploy@') })],
    ['another user by name', () => ({ username: 'deploy' })],
    ['other host keys', () => ({ host_keys: [hostKey] })],
    ['another host, whose keys come along', () => ({ url: 'ssh://git@moved.example.org/r', host_keys: [hostKey] })],
  ])('keeps its pair with %s', async (_, change) => {
    const made = await newMirror();
    const old = await made.publicKey();
    expect((await put(made.path, change(`ssh://git@h${hosts}.example.org/r.git`))).status).toBe(200);
    expect(await made.publicKey()).toBe(old);
    const { username, publicKey } = await made.value();
    expect([username, publicKey]).toEqual([JSON.stringify(change('git@')).includes('deploy') ? 'deploy' : 'git', old]);
  });

  it('loses it with its last use: another way to sign in, or its end', async () => {
    const [switched, ended] = [await newMirror(), await newMirror()];
    const secrets = await Promise.all([switched, ended].map(async ({ record }) => (await record()).credential));
    const answer = await put(switched.path, { auth_method: 'password', username: 'ada', password: 'lovelace' });
    expect(answer.body).toMatchObject({ auth_method: 'password', url: expect.stringContaining('ssh://*****:*****@') });
    expect(await switched.value()).toEqual({ username: 'ada', password: 'lovelace' });
    expect((await api.call('GET', `${switched.path}/public_key`)).status).toBe(404);
    await api.call('DELETE', ended.path);
    for (const secret of secrets) expect(secret?.kind === 'own' && (await isGone(secret.secretName))).toBe(true);
  });

  it.each([
    ['a password beside it', { password: 'x' }],
    ['a password in its URL', { url: 'ssh://git:x@h.example.org/r' }],
    ['https', { url: 'https://git@h.example.org/r' }],
    ['no host key', { host_keys: [] }],
    ['the key of another host', { host_keys: [`other.example.org ${hostKey}`] }],
    ['an option for a user', { username: '-oProxyCommand=x' }],
    ['a line break in its user', { username: 'git\nx' }],
    ['an unknown type of key', { key_type: 'dsa' }],
    ['a type of key and a password', { auth_method: 'password', key_type: 'rsa' }],
  ])('cannot have %s', async (_, more) => {
    const { id } = await api.newProject();
    const body = { url: 'ssh://git@h.example.org/r', ...key, ...more };
    expect((await api.call('POST', `/projects/${id}/remote_mirrors`, { body })).status).toBe(400);
    const made = await newMirror();
    const old = await made.publicKey();
    expect((await put(made.path, more)).status).toBe(400);
    expect(await made.publicKey()).toBe(old);
  });
});

describe('ssh:// with a password', () => {
  it('never takes it along to another host', async () => {
    const made = await newMirror({ auth_method: 'password', username: 'ada', password: 'lovelace' });
    const kept = await put(made.path, { url: `ssh://ada@H${hosts}.example.org:22/other.git` });
    expect([kept.status, await made.value()]).toEqual([200, { username: 'ada', password: 'lovelace' }]);
    expect((await put(made.path, { url: 'ssh://ada@elsewhere.example.org/r' })).body.message).toEqual({ host_keys: [expect.any(String)] });
    expect((await put(made.path, { url: 'ssh://ada@elsewhere.example.org/r', host_keys: [hostKey] })).status).toBe(200);
    expect(await made.value()).toEqual({ username: 'ada', password: '' });
  });
});

describe('other holders of key pairs', () => {
  it('are pull mirrors', async () => {
    const { id } = await api.newProject();
    const path = `/projects/${id}/mirror/pull`;
    expect((await api.call('GET', `${path}/public_key`)).status).toBe(400);
    expect((await put(path, { url: 'ssh://git@up.example.org/r', ...key })).status).toBe(200);
    const old = (await api.call('GET', `${path}/public_key`)).body.public_key;
    const { status, body } = await api.call('POST', `${path}/public_key`);
    expect([status, body.public_key === old, body.public_key]).toEqual([
      201,
      false,
      (await api.call('GET', `${path}/public_key`)).body.public_key,
    ]);
  });

  it('are projects, by number, path and decoded path', async () => {
    const { id, path } = await api.newProject(undefined, { repository_url: 'ssh://git@own.example.org/r', ...key });
    const old = (await api.call('GET', `/projects/${id}/public_key`)).body.public_key;
    expect(old).toMatch(ed25519);
    expect((await api.call('POST', `/projects/${encodeURIComponent(path)}/public_key`)).status).toBe(201);
    const renewed = (await api.lambda('GET', `/projects/${path}/public_key`)).body.public_key;
    expect(renewed).toMatch(ed25519);
    expect(renewed).not.toBe(old);
    expect((await api.call('POST', `/projects/${id}/public_key`, { token: await api.newToken('maintainer') })).status).toBe(403);
    const plain = await api.newProject();
    for (const method of ['GET', 'POST']) expect((await api.call(method, `/projects/${plain.id}/public_key`)).status).toBe(404);
  });

  it('are shared credentials: what uses one shows its key and gets the next', async () => {
    const shared = (await api.call('POST', '/credentials', { body: { name: 'deploy', auth_method: 'ssh_public_key', allowed_urls } })).body;
    const password = (await api.call('POST', '/credentials', { body: { name: 'other', password: 'secret', allowed_urls } })).body;
    expect(shared).toMatchObject({ auth_method: 'ssh_public_key', public_key: expect.stringMatching(ed25519) });
    const made = await newMirror({ credential_id: shared.id });
    expect([await made.publicKey(), (await made.record()).publicKey]).toEqual([shared.public_key, null]);
    expect((await api.call('POST', `${made.path}/public_key`)).status).toBe(400);
    const renewed = await api.call('POST', `/credentials/${shared.id}/public_key`);
    expect([renewed.status, await made.publicKey()]).toEqual([201, renewed.body.public_key]);
    expect((await put(`/credentials/${shared.id}`, { username: 'deploy' })).body.public_key).toBe(renewed.body.public_key);
    expect((await put(`/credentials/${shared.id}`, { password: 'x' })).status).toBe(400);
    expect((await put(made.path, { url: `ssh://git@h${hosts}.example.org/r2` })).status).toBe(400);
    expect((await put(made.path, { url: `ssh://deploy@h${hosts}.example.org/r2` })).body.credential_id).toBe(shared.id);

    for (const body of [{ credential_id: password.id }, { auth_method: 'password', credential_id: shared.id }])
      expect((await put(made.path, body)).body.message).toEqual({ credential_id: [expect.any(String)] });
    expect((await api.call('POST', `/credentials/${shared.id}/transfer`, { body: { to: password.id } })).status).toBe(400);
    const next = (await api.call('POST', '/credentials', { body: { name: 'next', auth_method: 'ssh_public_key', allowed_urls } })).body;
    expect((await api.call('POST', `/credentials/${shared.id}/transfer`, { body: { to: next.id } })).body).toEqual({
      mirrors: 1,
      projects: 0,
    });
    expect(await made.publicKey()).toBe(next.public_key);
    expect((await api.call('GET', `/credentials/${password.id}/public_key`)).status).toBe(404);
    expect((await api.call('GET', `/credentials/${next.id}/public_key`)).body).toEqual({ public_key: next.public_key });
  });
});
