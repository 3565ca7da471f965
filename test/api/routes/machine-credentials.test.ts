/** Shared credentials that sign in by themselves: made, shown and given to mirrors over the API. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { appKey } from '../../support/github-app-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const role_arn = 'arn:aws:iam::123456789012:role/mirror';
const codeCommit = 'https://git-codecommit.eu-west-1.amazonaws.com/';
const made = async (body: object) => {
  const answer = await api.call('POST', '/credentials', { body: { name: 'machine', ...body } });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body;
};
const newRole = (more: object = {}) => made({ auth_method: 'aws_iam', allowed_urls: [codeCommit], ...more });
const mirrorWith = async (body: object) => {
  const { id } = await api.newProject();
  return { id, answer: await api.call('POST', `/projects/${id}/remote_mirrors`, { body }) };
};

describe('a credential that is a role', () => {
  it('is kept without a secret, shows its fields, and changes them', async () => {
    const { id, ...shown } = await newRole({ role_arn, external_id: 'ext-7' });
    expect(shown).toMatchObject({ auth_method: 'aws_iam', role_arn, external_id: 'ext-7', public_key: null });
    expect((await api.deps.records.credentials.get(id))?.secretName).toBeNull();
    const changed = await api.call('PUT', `/credentials/${id}`, { body: { external_id: '' } });
    expect(changed).toMatchObject({ status: 200, body: { role_arn, external_id: null } });
    const renamed = await api.call('PUT', `/credentials/${id}`, { body: { name: 'renamed', role_arn } });
    expect(renamed.body.updated_at).toBe(changed.body.updated_at);
    expect((await api.call('DELETE', `/credentials/${id}`)).status).toBe(204);
  });

  it.each([
    [{ role_arn: 'mirror' }, { message: { role_arn: ['is no ARN of a role'] } }],
    [{ role_arn: 'arn:aws:iam::123456789012:user/mirror' }, { message: { role_arn: ['is no ARN of a role'] } }],
    [{ external_id: 'ext-7' }, { message: { external_id: ['goes with role_arn'] } }],
    [{ role_arn, external_id: 'a b' }, { message: { external_id: ['is no external id'] } }],
    [{ password: 'x' }, { error: 'password goes with auth_method password' }],
    [{ username: 'x' }, { error: 'username does not go with auth_method aws_iam' }],
    [{ private_key: 'x' }, { error: 'private_key does not go with auth_method aws_iam' }],
    [{ key_type: 'rsa' }, { error: 'key_type goes with auth_method ssh_public_key' }],
    [{ auth_method: 'password', password: 'x', role_arn }, { error: 'role_arn goes with auth_method aws_iam' }],
  ])('is not made of %j', async (more, body) => {
    const answer = await api.call('POST', '/credentials', {
      body: { name: 'x', auth_method: 'aws_iam', allowed_urls: [codeCommit], ...more },
    });
    expect(answer).toMatchObject({ status: 400, body });
  });

  it('signs mirrors of CodeCommit in, whose method it says', async () => {
    const { id } = await newRole();
    const url = `${codeCommit}v1/repos/app`;
    const { id: project, answer } = await mirrorWith({ url, credential_id: id });
    expect(answer).toMatchObject({ status: 201, body: { auth_method: 'aws_iam', credential_id: id } });
    const path = `/projects/${project}/remote_mirrors/${answer.body.id}`;
    expect(await api.call('PUT', path, { body: { keep_divergent_refs: true } })).toMatchObject({
      status: 200,
      body: { auth_method: 'aws_iam' },
    });
    expect(await api.call('PUT', path, { body: { username: 'a', password: 'b' } })).toMatchObject({ status: 400 });
    expect(await api.call('PUT', path, { body: { credential_id: null } })).toMatchObject({
      status: 200,
      body: { auth_method: 'password', credential_id: null },
    });
  });

  it.each([
    ['https://github.com/acme/app', {}, /no repository of CodeCommit/],
    ['ssh://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app', { host_keys: ['ssh-ed25519 AAAA'] }, /https:\/\/ URLs only/],
    [`${codeCommit}v1/repos/app`, { auth_method: 'password' }, /goes with auth_method aws_iam/],
  ])('is refused for %s with %j', async (url, more, words) => {
    const { id } = await newRole({ allowed_urls: [codeCommit, 'https://github.com/', 'ssh://git-codecommit.eu-west-1.amazonaws.com/'] });
    const { answer } = await mirrorWith({ url, credential_id: id, ...more });
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(words)]);
  });

  it('is no method of a mirror of its own, nor for people who may not give credentials away', async () => {
    const { id } = await newRole();
    const url = `${codeCommit}v1/repos/app`;
    expect((await mirrorWith({ url, auth_method: 'aws_iam' })).answer).toMatchObject({
      status: 400,
      body: { message: { auth_method: [expect.stringContaining('shared credential')] } },
    });
    const project = await api.newProject();
    const token = await api.newToken('maintainer');
    for (const credential_id of [id, 999_999]) {
      const body = { url, credential_id };
      expect((await api.call('POST', `/projects/${project.id}/remote_mirrors`, { body, token })).status).toBe(403);
    }
  });

  it('takes over from a password where it can sign in, and says so', async () => {
    const password = await made({ password: 'secret-1', allowed_urls: [codeCommit, 'https://github.com/'] });
    const there = await mirrorWith({ url: `${codeCommit}v1/repos/app`, credential_id: password.id });
    const elsewhere = await mirrorWith({ url: 'https://github.com/acme/app', credential_id: password.id });
    const { id } = await newRole({ allowed_urls: [codeCommit, 'https://github.com/'] });
    const moved = await api.call('POST', `/credentials/${password.id}/transfer`, { body: { to: id } });
    expect(moved).toMatchObject({ status: 200, body: { mirrors: 1, projects: 0 } });
    const now = ({ id: project, answer }: typeof there) => api.call('GET', `/projects/${project}/remote_mirrors/${answer.body.id}`);
    expect((await now(there)).body).toMatchObject({ auth_method: 'aws_iam', credential_id: id });
    expect((await now(elsewhere)).body).toMatchObject({ auth_method: 'password', credential_id: password.id });
  });
});

describe('a credential that is a GitHub App', () => {
  const allowed_urls = ['https://github.com/acme/'];
  const newApp = (more: object = {}) => made({ auth_method: 'github_app', allowed_urls, app_id: 'Iv23li', private_key: appKey, ...more });
  const stored = async (id: number) => {
    const { secretName } = (await api.deps.records.credentials.get(id))!;
    return secretName === null ? null : api.deps.secrets.read(secretName, { fresh: true });
  };

  it('keeps its private key as a secret that is never shown, and can be given another', async () => {
    const { id, ...shown } = await newApp({ installation_id: 4711 });
    expect(shown).toMatchObject({ auth_method: 'github_app', app_id: 'Iv23li', installation_id: '4711', kms_key_id: null });
    expect(JSON.stringify(shown)).not.toMatch(/PRIVATE|private_key/);
    expect(await stored(id)).toMatchObject({ privateKey: appKey });
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect((await api.call('PUT', `/credentials/${id}`, { body: { private_key: other } })).status).toBe(200);
    expect(await stored(id)).toMatchObject({ privateKey: other });
    expect((await api.call('PUT', `/credentials/${id}`, { body: { app_id: '' } })).body).toEqual({ message: { app_id: ['is missing'] } });
  });

  it('may have its key in KMS, and stores none then', async () => {
    const { id } = await newApp({ private_key: undefined, kms_key_id: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd' });
    expect(await stored(id)).toBeNull();
    expect((await api.call('PUT', `/credentials/${id}`, { body: { kms_key_id: null } })).status).toBe(400);
    expect((await api.call('PUT', `/credentials/${id}`, { body: { kms_key_id: null, private_key: appKey } })).status).toBe(200);
    expect(await stored(id)).toMatchObject({ privateKey: appKey });
  });

  it.each([
    [{ app_id: undefined }, /"app_id":\["is missing"\]/],
    [{ private_key: undefined }, /"private_key":\["is missing/],
    [{ private_key: 'canary no key' }, /"private_key":\["is no RSA private key/],
    [{ private_key: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) }, /"private_key":\["is no RSA/],
    [{ installation_id: 'acme' }, /"installation_id":\["is no number/],
    [{ kms_key_id: 'a b' }, /"kms_key_id":\["is no KMS key"/],
    [{ password: 'canary' }, /password goes with/],
  ])('is not made with %j', async (more, words) => {
    const body = { name: 'x', auth_method: 'github_app', allowed_urls, app_id: 'Iv23li', private_key: appKey, ...more };
    const { status, text } = await api.call('POST', '/credentials', { body });
    expect([status, text]).toEqual([400, expect.stringMatching(words)]);
    expect(text).not.toMatch(/canary|PRIVATE KEY/);
  });

  it('is refused for what is no owner/name', async () => {
    const { id } = await newApp();
    const { answer } = await mirrorWith({ url: 'https://github.com/acme/group/app', credential_id: id });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('is no repository of GitHub')]);
  });
});

describe('a GitLab token that renews itself', () => {
  const token = { auth_method: 'gitlab_token', password: 'glpat-canary', allowed_urls: ['https://gitlab.com/acme/'] };

  it('is kept as a secret, with its lifetime shown, and forgets what was known of the old one when it is given another', async () => {
    const { id, ...shown } = await made({ ...token, lifetime_days: 30 });
    expect(shown).toMatchObject({ auth_method: 'gitlab_token', lifetime_days: '30', expires_at: null });
    await api.deps.records.credentials.update(id, { expiresAt: Date.parse('2026-12-24'), renewingSince: 5 });
    expect((await api.call('GET', `/credentials/${id}`)).body.expires_at).toBe('2026-12-24T00:00:00.000Z');
    expect((await api.call('PUT', `/credentials/${id}`, { body: { name: 'same token' } })).body.expires_at).toBe(
      '2026-12-24T00:00:00.000Z',
    );
    expect((await api.call('PUT', `/credentials/${id}`, { body: { password: 'glpat-other' } })).body.expires_at).toBeNull();
    expect((await api.deps.records.credentials.get(id))?.renewingSince).toBeNull();
  });

  it.each([
    [{ password: undefined }, /password is missing/],
    [{ username: 'oauth2', password: '' }, /"password":\["is missing"\]/],
    [{ lifetime_days: 1000 }, /from 3 to 365/],
  ])('is not made with %j', async (more, words) => {
    const { status, text } = await api.call('POST', '/credentials', { body: { name: 'x', ...token, ...more } });
    expect([status, text]).toEqual([400, expect.stringMatching(words)]);
    expect(text).not.toContain('canary');
  });
});
