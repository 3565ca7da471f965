/** What we show can be sent back: a masked URL means the stored credential, on the same host. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unmasked } from '../../lib/api/input/masked-user-info.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const masks = ['*****:*****', '*****', '%2A%2a***:*****'] as const;
const account = { username: 'ada', password: 'hunter22' };

/** The three that have a URL: made with a credential, read and written at `path`, and what the record keeps. */
const resources = {
  'a project': async () => {
    const { id } = await api.newProject(undefined, { repository_url: 'https://ada:hunter22@own.example.org/r' });
    const record = async () => (await api.deps.records.projects.get(id))!;
    return { path: `/projects/${id}`, method: 'PUT', field: 'repository_url', record, url: async () => (await record()).repositoryUrl };
  },
  'a push mirror': async () => {
    const { id } = await api.newProject();
    const made = await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://ada:hunter22@own.example.org/r' } });
    const record = async () => (await api.deps.records.mirrors.get({ projectId: id, mirror: made.body.id }))!;
    const path = `/projects/${id}/remote_mirrors/${made.body.id}`;
    return { path, method: 'PUT', field: 'url', record, url: async () => (await record()).url };
  },
  'a push mirror by POST': async () => ({ ...(await resources['a push mirror']()), method: 'POST' }),
  'a pull mirror': async () => {
    const { id } = await api.newProject();
    const path = `/projects/${id}/mirror/pull`;
    await api.call('PUT', path, { body: { url: 'https://ada:hunter22@own.example.org/r' } });
    const record = async () => (await api.deps.records.mirrors.get({ projectId: id, mirror: 'pull' }))!;
    return { path, method: 'PUT', field: 'url', record, url: async () => (await record()).url };
  },
  'a pull mirror by POST': async () => ({ ...(await resources['a pull mirror']()), method: 'POST' }),
} as const;

describe.each(Object.entries(resources))('%s', (_, make) => {
  const storedValue = async ({ record }: Awaited<ReturnType<typeof make>>) => {
    const { credential } = await record();
    return credential?.kind === 'own' ? api.deps.secrets.read(credential.secretName, { fresh: true }) : credential;
  };

  it.each(masks)('with %s in its URL keeps its credential', async (mask) => {
    const made = await make();
    const before = (await made.record()).credential;
    const send = (url: string) => api.call(made.method, made.path, { body: { [made.field]: url } });
    expect((await send(`https://${mask}@own.example.org/r`)).status).toBe(200);
    expect((await made.record()).credential).toEqual(before);
    expect((await send(`https://${mask}@OWN.example.org/other`)).status).toBe(200);
    expect(await made.url()).toBe('https://own.example.org/other');
    expect(await storedValue(made)).toEqual(account);
  });

  it.each(masks)('with %s does not go to another host', async (mask) => {
    const made = await make();
    for (const url of [
      `https://${mask}@other.example.org/r`,
      `https://${mask}@own.example.org:8443/r`,
      `http://${mask}@own.example.org/r`,
    ]) {
      const answer = await api.call(made.method, made.path, { body: { [made.field]: url } });
      expect(answer).toMatchObject({ status: 400, body: { message: { [made.field]: [expect.stringContaining('*****')] } } });
    }
    expect(await made.url()).toBe('https://own.example.org/r');
    expect(await storedValue(made)).toEqual(account);
  });

  it('takes what is given beside the mask', async () => {
    const made = await make();
    const send = (url: string, more: object = {}) => api.call(made.method, made.path, { body: { [made.field]: url, ...more } });
    expect((await send('https://eve:*****@own.example.org/r')).status).toBe(200);
    expect(await storedValue(made)).toEqual({ username: 'eve', password: 'hunter22' });
    expect((await send('https://*****:next-one@own.example.org/r')).status).toBe(200);
    expect(await storedValue(made)).toEqual({ username: 'eve', password: 'next-one' });
    expect((await send('https://*****:*****@own.example.org/r', { password: 'third-one' })).status).toBe(200);
    expect(await storedValue(made)).toEqual({ username: 'eve', password: 'third-one' });
    expect((await send('https://*****:*****@other.example.org/r', { username: 'u', password: 'fourth-one' })).status).toBe(200);
    expect(await storedValue(made)).toEqual({ username: 'u', password: 'fourth-one' });
  });
});

it('A new mirror or project has nothing that a mask could stand for', async () => {
  const { id } = await api.newProject();
  const url = 'https://*****:*****@own.example.org/r';
  expect((await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url } })).status).toBe(400);
  expect((await api.call('PUT', `/projects/${id}/mirror/pull`, { body: { url } })).status).toBe(400);
  expect((await api.call('POST', '/projects', { body: { path: 'group/masked', repository_url: url } })).status).toBe(400);
});

it.each([
  ['https://host/r', 'https://host/r', false, false],
  ['https://*****:*****@host/r', 'https://host/r', true, true],
  ['ssh://*****@host/r', 'ssh://host/r', true, false],
  ['ssh://git:*****@host/r', 'ssh://git@host/r', false, true],
  ['https://******:*****x@host/r', 'https://******:*****x@host/r', false, false],
  ['https://host/*****:*****@r', 'https://host/*****:*****@r', false, false],
])('%s is %s without what was masked', (typed, text, username, password) => expect(unmasked(typed)).toEqual({ text, username, password }));
