import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nonceOf, startTestConsole, type TestConsole } from '../../support/console.ts';

let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole();
});
afterAll(() => site.close());

const url = 'https://git.example.org/group/app.git';

describe('the form of a project', () => {
  it('registers a repository once and leads to its page', async () => {
    const person = await site.signedIn();
    const form = { path: 'form/app', repository_url: url, auth: 'none', form_nonce: nonceOf(await person.get('/projects/new')) };
    const [one, other] = [await person.post('/projects/new', form), await person.post('/projects/new', form)];
    const project = await site.deps.records.projects.getByPath('form/app');
    expect([one.status, one.location]).toEqual([303, `/projects/${project?.id}`]);
    expect([other.status, other.location]).toEqual([303, '/']);
  });

  it.each([
    ['a path of another form', { path: 'x' }, /field-path-fault/],
    ['a path that is taken', { path: 'taken/app' }, /field-path-fault/],
    [
      'an SCP-style address, with the form to use',
      { repository_url: 'git@git.example.org:a/b.git' },
      /ssh:\/\/git@git\.example\.org\/a\/b\.git/,
    ],
    ['an address that is blocked, with its code', { repository_url: 'https://10.0.0.1/a.git' }, /address_blocked/],
    ['ssh without host keys', { repository_url: 'ssh://git@git.example.org/a.git' }, /field-host_keys-fault/],
    ['host keys that were detected and not compared', { host_keys_detected: 'true' }, /field-host_keys-fault/],
    ['host keys of a host that cannot be asked', { step: 'detect', repository_url: 'ssh://git@10.0.0.1/a.git' }, /address_blocked/],
    ['host keys of an address that has none', { step: 'detect', repository_url: url }, /field-repository_url-fault/],
  ])('says what is wrong with %s, and keeps what was typed but for the password', async (_, changes, expected) => {
    await site.api.call('POST', '/projects', { body: { path: 'taken/app', repository_url: url } });
    const person = await site.signedIn();
    const typed = { path: 'typed/app', repository_url: url, auth: 'password', username: 'some-user', password: 's3cret-value', ...changes };
    const { status, text } = await person.post('/projects/new', typed);
    expect(status).toBe(400);
    expect(text).toMatch(expected);
    expect(text).toContain('value="some-user"');
    expect(text).not.toContain('s3cret-value');
    expect(site.api.logLines.join('\n')).not.toContain('s3cret-value');
    expect(await site.deps.records.projects.getByPath('typed/app')).toBeUndefined();
  });

  it('keeps a password that is not typed again, gives it another, and takes it away', async () => {
    const person = await site.signedIn();
    const { id } = await site.api.newProject(undefined, { username: 'user', password: 'first-value' });
    const credential = async () => (await site.deps.records.projects.get(id))?.credential;
    const path = (await site.deps.records.projects.get(id))?.path ?? '';
    const repository_url = (await site.deps.records.projects.get(id))?.repositoryUrl ?? '';
    const before = await credential();
    expect((await person.get(`/projects/${id}/edit`)).text).not.toContain('first-value');
    expect((await person.post(`/projects/${id}/edit`, { path, repository_url, auth: 'keep' })).status).toBe(303);
    expect(await credential()).toEqual(before);
    const refused = await person.post(`/projects/${id}/edit`, {
      path,
      repository_url,
      auth: 'password',
      username: 'user',
      password: 'second ',
    });
    expect([refused.status, refused.text.includes('begins or ends with a space')]).toEqual([400, true]);
    expect(await credential()).toEqual(before);
    await person.post(`/projects/${id}/edit`, { path, repository_url, auth: 'password', username: 'user', password: 'second value' });
    const after = await credential();
    expect(after).not.toEqual(before);
    const secretName = after?.kind === 'own' ? after.secretName : '';
    expect(await site.deps.secrets.read(secretName, { fresh: true })).toEqual({ username: 'user', password: 'second value' });
    await person.post(`/projects/${id}/edit`, { path, repository_url, auth: 'none' });
    expect(await credential()).toBeNull();
  });

  it('asks before it deletes; a project that was deleted in another tab is a clear page', async () => {
    const person = await site.signedIn();
    const { id } = await site.api.newProject();
    expect((await person.get(`/projects/${id}/delete`)).text).toContain(`action="/projects/${id}/delete"`);
    expect((await person.post(`/projects/${id}/delete`)).location).toBe('/');
    for (const answer of [await person.post(`/projects/${id}/delete`), await person.get(`/projects/${id}/edit`)]) {
      expect(answer.status).toBe(404);
      expect(answer.text).toContain('deleted');
    }
  });
});
