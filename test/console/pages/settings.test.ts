import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleLimits } from '../../../lib/console/console-limits.ts';
import { chosenIn, startTestConsole, type TestConsole } from '../../support/console.ts';

let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole();
});
afterAll(() => site.close());

const limits = {
  ...{ push_min_interval: '10', pull_interval: '1800', pull_min_interval: '300' },
  ...{ reconcile_interval: '21600', max_runs_per_host: '8', max_deletions_percent: '50' },
};

describe('settings', () => {
  it.each([
    ['pull_interval', '1'],
    ['max_runs_per_host', 'many'],
    ['push_min_interval', ''],
    ['max_deletions_percent', '101'],
  ])('refuses %s = "%s" beside its field and saves nothing', async (name, value) => {
    const person = await site.signedIn();
    const { status, text } = await person.post('/settings/limits', { ...limits, push_min_interval: '99', [name]: value });
    expect(status).toBe(400);
    expect(text).toContain(`id="field-${name}-fault"`);
    expect((await site.deps.records.settings.get({ fresh: true })).pushMinIntervalSeconds).toBe(10);
  });
});

describe('tokens', () => {
  it('are shown once, work, and sign their people out when they are deleted', async () => {
    const person = await site.signedIn();
    const made = await person.post('/settings/tokens', { name: 'robot <b>', role: 'maintainer', expires_at: '2999-01-01' });
    expect(made.status).toBe(201);
    expect(made.headers.get('cache-control')).toBe('no-store');
    const token = /id="new-token"[^>]*>\s*<bdi>(gf_[\w-]+)</.exec(made.text)?.[1] ?? '';
    const robot = await site.signedIn(token);
    const list = await person.get('/settings/tokens');
    expect(list.text).not.toContain(token);
    expect(list.text).toContain('robot &lt;b&gt;');
    const tokens = (await site.api.call('GET', '/personal_access_tokens?per_page=100')).body;
    const { id } = tokens.find(({ name }: { name: string }) => name === 'robot <b>');
    expect((await person.get(`/settings/tokens/${id}/delete`)).text).toContain('robot &lt;b&gt;');
    expect((await person.post(`/settings/tokens/${id}/delete`)).location).toBe('/settings/tokens');
    expect((await robot.get('/')).status).toBe(303);
  });

  it('say what is wrong beside their fields, and never leave an instance without an owner', async () => {
    const person = await site.signedIn();
    const { status, text } = await person.post('/settings/tokens', {
      name: 'x',
      role: 'owner',
      projects: '999999',
      expires_at: '2999-01-01',
    });
    expect(status).toBe(400);
    expect(text).toContain('field-projects-fault');
    expect(chosenIn(text)).toMatchObject({ name: 'x', role: 'owner', projects: '999999', expires_at: '2999-01-01' });
    const self = (await site.api.call('GET', '/personal_access_tokens/self')).body.id;
    expect((await person.post(`/settings/tokens/${self}/delete`)).status).toBe(303);
    expect((await person.get('/settings/tokens')).text).toContain('message-failed');
  });
});

describe('lists of settings', () => {
  it.each<['tokens' | 'credentials']>([['tokens'], ['credentials']])('of %s come in pages that lead to each other', async (list) => {
    const person = await site.signedIn();
    const create = (name: string): Promise<unknown> =>
      list === 'tokens'
        ? site.api.newToken('reporter', { name })
        : site.deps.records.credentials.create({ name, secretName: 'x', createdAt: 1, updatedAt: 1 });
    await Promise.all(Array.from({ length: consoleLimits.listRows + 1 }, (_, n) => create(`paged-${n}`)));
    const [first, second] = [await person.get(`/settings/${list}`), await person.get(`/settings/${list}?page=2`)];
    expect(first.text).toContain(`href="/settings/${list}?page=2" rel="next"`);
    expect(second.text).toContain(`href="/settings/${list}?page=1" rel="prev"`);
    const shown = ({ text }: { readonly text: string }) => [...text.matchAll(/<tr id="[^"]+"/g)].map(([row]) => row);
    expect(shown(first)).toHaveLength(consoleLimits.listRows);
    expect(shown(second).filter((row) => shown(first).includes(row))).toEqual([]);
    expect(shown(second).length).toBeGreaterThan(0);
  });
});

const allowed_urls = 'https://git.example.org/group/\nssh://git.example.org/';

describe('shared credentials', () => {
  it('are made, given another value, transferred and deleted, and their values never shown', async () => {
    const person = await site.signedIn();
    const made = await person.post('/settings/credentials', {
      name: 'robot',
      auth: 'password',
      username: 'u',
      password: 'one-value',
      allowed_urls,
    });
    const one = made.location ?? '';
    expect(one).toMatch(/^\/settings\/credentials\/\d+$/);
    const other =
      (await person.post('/settings/credentials', { name: 'other', auth: 'password', username: 'u', password: 'two-value', allowed_urls }))
        .location ?? '';
    const { id } = await site.api.newProject(undefined, { credential_id: Number(one.split('/').at(-1)) });
    expect((await person.post(one, { name: 'renamed', username: '', password: 'three-value', allowed_urls })).status).toBe(303);
    expect((await person.post(`${one}/delete`)).location).toBe(one);
    expect((await person.get(one)).text).toContain('message-failed');
    expect((await person.post(`${one}/transfer`, { to: '99999' })).status).toBe(400);
    expect((await person.post(`${one}/transfer`, { to: other.split('/').at(-1) ?? '' })).status).toBe(303);
    expect((await site.deps.records.projects.get(id))?.credential).toEqual({
      kind: 'shared',
      credentialId: Number(other.split('/').at(-1)),
    });
    const pages = await Promise.all(['/settings/credentials', one, other].map((path) => person.get(path)));
    expect(pages[0]?.text).toContain('renamed');
    for (const { text } of pages) expect(text).not.toMatch(/(one|two|three)-value/);
    expect((await person.post(`${one}/delete`)).location).toBe('/settings/credentials');
    expect((await person.get(one)).status).toBe(404);
  });

  it('leave in their forms what was typed and chosen when something is wrong with it, but for passwords', async () => {
    const person = await site.signedIn();
    const made = await person.post('/settings/credentials', {
      name: '',
      auth: 'ssh_public_key',
      username: 'typed-user',
      key_type: 'rsa',
      allowed_urls,
    });
    expect([made.status, chosenIn(made.text)]).toMatchObject([400, { auth: 'ssh_public_key', username: 'typed-user', key_type: 'rsa' }]);
    const newOne = async (name: string): Promise<string> =>
      (await person.post('/settings/credentials', { name, auth: 'password', password: 'first-value', allowed_urls })).location ?? '';
    const path = await newOne('kept');
    const others = [await newOne('kept-1'), await newOne('kept-2'), await newOne('kept-3')];
    const [, to = ''] = others.map((other) => other.split('/').at(-1) ?? '');
    const edited = await person.post(path, { name: 'x'.repeat(300), username: 'typed-user', password: 'typed-value' });
    expect([edited.status, chosenIn(edited.text)]).toMatchObject([400, { name: 'x'.repeat(300), username: 'typed-user' }]);
    expect(edited.text).not.toContain('typed-value');
    const key = await person.post('/settings/credentials', { name: 'kept-key', auth: 'ssh_public_key', key_type: 'ed25519', allowed_urls });
    const moved = await person.post(`${path}/transfer`, { to, host: 'no host/' });
    // Neither itself nor one of another kind.
    for (const other of [path, key.location ?? '']) expect(moved.text).not.toContain(`<option value="${other.split('/').at(-1)}"`);
    // What is no host might be a password.
    expect([moved.status, chosenIn(moved.text)]).toMatchObject([400, { name: 'kept', to, host: '' }]);
  });

  it('can be chosen and transferred to however many there are', async () => {
    const person = await site.signedIn();
    const common = { secretName: 'x', createdAt: 1, updatedAt: 1 };
    const made = await Promise.all(
      Array.from({ length: 101 }, (_, n) => site.deps.records.credentials.create({ ...common, name: `many-${n}` })),
    );
    const last = Math.max(...made.map(({ id }) => id));
    const [first] = made;
    for (const page of ['/projects/new', `/settings/credentials/${first?.id === last ? made[1]?.id : first?.id}`])
      expect((await person.get(page)).text).toContain(`<option value="${last}"`);
  });

  it('can be key pairs, whose public half is shown for copying and can be renewed', async () => {
    const person = await site.signedIn();
    const path =
      (await person.post('/settings/credentials', { name: 'keys', auth: 'ssh_public_key', key_type: 'ed25519', allowed_urls })).location ??
      '';
    const keyIn = (text: string) => /id="public-key"[^>]*>\s*<bdi>([^<]+)</.exec(text)?.[1]?.trim();
    const before = keyIn((await person.get(path)).text);
    expect(before).toMatch(/^ssh-ed25519 /);
    await person.post(`${path}/public-key`);
    expect(keyIn((await person.get(path)).text)).not.toBe(before);
  });

  it('can be a role: its own fields are sent, kept, shown and changed, and those of other methods are not', async () => {
    const person = await site.signedIn();
    const role_arn = 'arn:aws:iam::123456789012:role/mirror';
    const form = {
      name: 'role',
      auth: 'aws_iam',
      username: 'left over',
      password: 'left-over',
      role_arn,
      external_id: 'a b',
      allowed_urls,
    };
    const refused = await person.post('/settings/credentials', form);
    expect([refused.status, chosenIn(refused.text)]).toMatchObject([400, { auth: 'aws_iam', role_arn, external_id: 'a b' }]);
    expect(refused.text).toContain('field-external_id-fault');
    const made = await person.post('/settings/credentials', { ...form, external_id: 'ext-7' });
    expect(made.location).toMatch(/^\/settings\/credentials\/\d+$/);
    const shown = await person.get(made.location ?? '');
    expect(chosenIn(shown.text)).toMatchObject({ role_arn, external_id: 'ext-7' });
    expect(shown.text).not.toContain('as its host says');
    await site.deps.records.credentials.update(Number(made.location?.split('/').at(-1)), { expiresAt: Date.parse('2999-01-01') });
    expect((await person.get(made.location ?? '')).text).toMatch(/It ends.*2999-01-01.*as its host says/s);
    expect(shown.text).not.toMatch(/name="password"|left.over/);
    expect((await person.post(made.location ?? '', { name: 'role', role_arn, external_id: '', allowed_urls })).status).toBe(303);
    expect(chosenIn((await person.get(made.location ?? '')).text)).toMatchObject({ role_arn, external_id: '' });
  });

  it.each([
    ['no name', { name: '', auth: 'password', password: 'x' }, /field-name-fault/],
    ['no value', { name: 'x', auth: 'password', allowed_urls }, /field-password-fault/],
  ])('are not made with %s', async (_, form, expected) => {
    const { status, text } = await (await site.signedIn()).post('/settings/credentials', form);
    expect(status).toBe(400);
    expect(text).toMatch(expected);
  });
});
