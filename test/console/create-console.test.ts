import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsole } from '../../lib/console/create-console.tsx';
import { RequestBodies } from '../../lib/core/request-bodies.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { nonceOf, startTestConsole, type TestConsole } from '../support/console.ts';
import { sampleMirror } from '../support/sample-records.ts';

let site: TestConsole;
/** Of the app's clock, in front of the real one. */
let ahead = 0;
beforeAll(async () => {
  site = await startTestConsole((deps) => ({ ...deps, clock: { now: () => Date.now() + ahead, random: Math.random } }));
});
afterAll(() => site.close());

const hour = 3600_000;
const session = '__Host-gitferry-session';

describe('a session', () => {
  it('begins with a token, in a cookie that only this host and no script gets', async () => {
    const answer = await site.browser().post('/sign-in', { token: site.api.ownerToken, return: '/settings?x=1' });
    expect([answer.status, answer.location]).toEqual([303, '/settings?x=1']);
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith(`${session}=`)) ?? '';
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) expect(cookie).toContain(attribute);
    expect(cookie).not.toContain('Domain');
  });

  it('keeps neither the token nor the cookie where somebody could read them', async () => {
    const person = await site.signedIn();
    const cookie = person.cookies.get(session) ?? '';
    expect(await site.deps.records.sessions.find(hashToken(cookie))).toMatchObject({ tokenHash: hashToken(site.api.ownerToken) });
    const page = await person.get('/settings');
    for (const secret of [cookie, site.api.ownerToken]) {
      expect(page.text).not.toContain(secret);
      expect(site.api.logLines.join('\n')).not.toContain(secret);
    }
  });

  it.each([
    ['unknown', () => 'gf_none'],
    ['empty', () => ''],
    ['too long', () => 'x'.repeat(300)],
    ['expired', () => site.api.newToken('owner', { expiresAt: Date.now() - 1 })],
  ])('does not begin with a token that is %s', async (_, token) => {
    const person = site.browser();
    const answer = await person.post('/sign-in', { token: await token() });
    expect(answer.status).toBe(403);
    expect(person.cookies.size).toBe(0);
  });

  it('sends whoever has none to the sign-in and back to the same page', async () => {
    const person = site.browser();
    expect((await person.get('/settings/tokens?page=2')).location).toBe('/sign-in?return=%2Fsettings%2Ftokens%3Fpage%3D2');
    const signIn = await person.get('/sign-in?return=%2Fsettings%2Ftokens%3Fpage%3D2');
    expect(signIn.text).toContain('value="/settings/tokens?page=2"');
  });

  it('after its end leads from a form back to the page that held the form, and takes the whole page along from a part of one', async () => {
    const headers = { referer: `${site.origin}/projects/new` };
    expect((await site.browser().post('/projects/new', {}, { headers })).location).toBe('/sign-in?return=%2Fprojects%2Fnew&lost=form');
    const part = await site
      .browser()
      .get('/?state=failing', { headers: { 'hx-request': 'true', 'hx-current-url': `${site.origin}/?state=failing` } });
    expect([part.status, part.headers.get('hx-redirect')]).toEqual([401, '/sign-in?return=%2F%3Fstate%3Dfailing']);
  });

  it('ends after twelve hours, whatever the table has deleted by then', async () => {
    const person = await site.signedIn();
    ahead = 12 * hour - 60_000;
    expect((await person.get('/')).status).toBe(200);
    ahead = 12 * hour + 60_000;
    const answer = await person.get('/');
    ahead = 0;
    expect([answer.status, answer.location]).toEqual([303, '/sign-in']);
  });

  it('ends with its token: expired, deleted, or deleted and made again with the same value', async () => {
    const expiring = await site.signedIn(await site.api.newToken('reporter', { expiresAt: Date.now() + hour }));
    ahead = hour + 1000;
    expect((await expiring.get('/')).status).toBe(303);
    ahead = 0;
    const token = await site.api.newToken('maintainer');
    const person = await site.signedIn(token);
    const found = await site.deps.records.tokens.find(hashToken(token));
    await site.deps.records.tokens.delete(found?.id ?? 0);
    expect((await person.get('/')).status).toBe(303);
    await site.deps.records.tokens.create({ ...found!, tokenHash: hashToken(token) });
    expect((await person.get('/')).status).toBe(303);
    expect((await (await site.signedIn(token)).get('/')).status).toBe(200);
  });

  it('ends here or everywhere, and cannot be used again', async () => {
    const token = await site.api.newToken('maintainer');
    const [one, other, third] = [await site.signedIn(token), await site.signedIn(token), await site.signedIn(token)];
    const kept = one.cookies.get(session) ?? '';
    expect((await one.post('/sign-out')).location).toBe('/sign-in');
    expect(one.cookies.has(session)).toBe(false);
    one.cookies.set(session, kept);
    expect((await one.get('/')).status).toBe(303);
    expect((await other.get('/')).status).toBe(200);
    await third.post('/sign-out-everywhere');
    expect((await other.get('/')).status).toBe(303);
    expect((await site.signedIn(token)).cookies.has(session)).toBe(true);
  });
});

describe('a request that changes something', () => {
  const forged = [
    ['from another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['from a sibling host', { 'sec-fetch-site': 'same-site', origin: 'https://other.example.org' }],
    ['that claims our origin from elsewhere', { 'sec-fetch-site': 'cross-site' }],
    ['with no origin in its header', { origin: 'null' }],
    ['from an old browser on another site', { origin: 'https://evil.example' }],
  ] as const;
  it.each(forged)('is refused %s, and does nothing', async (_, headers) => {
    const person = await site.signedIn();
    const { id } = await site.api.newProject();
    for (const path of [`/projects/${id}/delete`, '/sign-out-everywhere', '/sign-in', '/settings/silent-mode'])
      expect((await person.post(path, { token: 'x', silent_mode_enabled: 'true' }, { headers })).status).toBe(403);
    expect(await site.deps.records.projects.get(id)).toBeDefined();
    expect((await person.get('/')).status).toBe(200);
    expect((await site.deps.records.settings.get({ fresh: true })).silentModeEnabled).toBe(false);
  });

  it('is refused without any sign of where it comes from', async () => {
    const person = await site.signedIn();
    expect((await person.request('POST', '/sign-out', { form: {} })).status).toBe(403);
  });

  it('cannot be made by following a link', async () => {
    const person = await site.signedIn();
    const { id } = await site.api.newProject();
    expect((await person.get(`/projects/${id}/delete`)).status).toBe(200);
    expect(await site.deps.records.projects.get(id)).toBeDefined();
    expect((await person.get('/sign-out')).status).toBe(404);
  });
});

describe('every page', () => {
  it.each(['/', '/sign-in', '/settings', '/projects/new', '/nowhere'])(
    'forbids inline script and style, framing and keeping: %s',
    async (path) => {
      const person = path === '/sign-in' ? site.browser() : await site.signedIn();
      const { headers, text } = await person.get(path);
      const policy = headers.get('content-security-policy') ?? '';
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ])
        expect(policy).toContain(part);
      expect(policy).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(text).not.toMatch(/\sstyle=|<style|\son[a-z]+=|<script>|hx-on/);
    },
  );

  it('says what to do where there is nothing', async () => {
    const person = await site.signedIn();
    for (const path of ['/nowhere', '/projects/999999', '/projects/x/edit', '/settings/tokens/99999/delete', '/projects/1%00/edit']) {
      const answer = await person.get(path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.text).toContain('href="/"');
    }
  });

  it('takes a form within its limit only, and only a form', async () => {
    const person = await site.signedIn();
    expect((await person.post('/projects/new', { path: 'x'.repeat(300_000) })).status).toBe(413);
    const headers = { origin: site.origin, 'content-type': 'text/plain' };
    const answer = await site.fetch(
      new Request(`${site.origin}/sign-in`, { method: 'POST', headers, body: `token=${site.api.ownerToken}` }),
    );
    expect(answer.status).toBe(415);
  });

  it('leaves the API and the hooks their own paths', async () => {
    const person = await site.signedIn();
    for (const path of ['/api/v4/projects', '/api/none', '/health', '/hooks/x']) {
      const { headers } = await person.get(path);
      expect(headers.get('content-type')).toBe('application/json');
    }
    // A session is no token: scripts on our pages have no more of the API than others.
    expect((await person.get('/api/v4/projects')).status).toBe(401);
  });
});

describe('roles', () => {
  interface Case {
    readonly path: string;
    readonly method: 'GET' | 'POST';
    readonly reporter: number;
    readonly maintainer: number;
    readonly limitedOwner: number;
    readonly owner: number;
  }
  const nobodyButOwners = { reporter: 403, maintainer: 403, limitedOwner: 403 };
  const cases: Case[] = [
    { method: 'GET', path: '/', reporter: 200, maintainer: 200, limitedOwner: 200, owner: 200 },
    { method: 'GET', path: '/projects/new', ...nobodyButOwners, owner: 200 },
    { method: 'POST', path: '/projects/new', ...nobodyButOwners, owner: 400 },
    { method: 'GET', path: '/projects/ID/edit', reporter: 403, maintainer: 403, limitedOwner: 200, owner: 200 },
    { method: 'POST', path: '/projects/ID/edit', reporter: 403, maintainer: 403, limitedOwner: 400, owner: 400 },
    { method: 'GET', path: '/projects/ID/delete', reporter: 403, maintainer: 403, limitedOwner: 200, owner: 200 },
    { method: 'POST', path: '/projects/ID/mirrors/MIRROR/update', reporter: 403, maintainer: 303, limitedOwner: 303, owner: 303 },
    { method: 'GET', path: '/settings', ...nobodyButOwners, owner: 200 },
    { method: 'POST', path: '/settings/silent-mode', ...nobodyButOwners, owner: 303 },
    { method: 'POST', path: '/settings/limits', ...nobodyButOwners, owner: 400 },
    { method: 'GET', path: '/settings/tokens', ...nobodyButOwners, owner: 200 },
    { method: 'POST', path: '/settings/tokens', ...nobodyButOwners, owner: 400 },
    { method: 'GET', path: '/settings/credentials', ...nobodyButOwners, owner: 200 },
    { method: 'POST', path: '/settings/credentials', ...nobodyButOwners, owner: 400 },
    { method: 'GET', path: '/projects/FOREIGN/edit', reporter: 404, maintainer: 404, limitedOwner: 404, owner: 200 },
    { method: 'POST', path: '/projects/FOREIGN/delete', reporter: 404, maintainer: 404, limitedOwner: 404, owner: 303 },
    { method: 'POST', path: '/projects/FOREIGN/mirrors/1/update', reporter: 404, maintainer: 404, limitedOwner: 404, owner: 404 },
  ];
  it('decide over each page and form, and projects of others do not exist', async () => {
    const { id } = await site.api.newProject();
    const mirror = await site.deps.records.mirrors.create(id, 'push', sampleMirror(), { now: Date.now(), dueAt: Date.now() });
    if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
    const { id: foreign } = await site.api.newProject();
    const only = { projectIds: [id] };
    const people = {
      reporter: await site.signedIn(await site.api.newToken('reporter', only)),
      maintainer: await site.signedIn(await site.api.newToken('maintainer', only)),
      limitedOwner: await site.signedIn(await site.api.newToken('owner', only)),
      owner: await site.signedIn(),
    };
    for (const { method, path, ...statuses } of cases) {
      const url = path.replace('ID', String(id)).replace('FOREIGN', String(foreign)).replace('MIRROR', String(mirror.id));
      for (const [role, status] of Object.entries(statuses)) {
        const person = people[role as keyof typeof people];
        const answer = method === 'GET' ? await person.get(url) : await person.post(url);
        expect([role, method, path, answer.status]).toEqual([role, method, path, status]);
      }
    }
  });
});

describe('forms', () => {
  it('that create something are carried out once however often they are sent', async () => {
    const person = await site.signedIn();
    const form = { name: 'twice', role: 'reporter', form_nonce: nonceOf(await person.get('/settings/tokens')) };
    expect(form.form_nonce).toMatch(/^.{16}$/);
    const answers = await Promise.all([person.post('/settings/tokens', form), person.post('/settings/tokens', form)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 303]);
    const tokens = await site.api.call('GET', '/personal_access_tokens?per_page=100');
    expect(tokens.body.filter(({ name }: { name: string }) => name === 'twice')).toHaveLength(1);
  });

  it('leave a message for the next page, once', async () => {
    const person = await site.signedIn();
    const answer = await person.post('/settings/limits', {
      ...{ push_min_interval: '5', pull_interval: '1800', pull_min_interval: '300' },
      ...{ reconcile_interval: '21600', max_runs_per_host: '8', max_deletions_percent: '50' },
    });
    expect(answer.location).toBe('/settings');
    expect((await person.get('/settings')).text).toContain('message-done');
    expect((await person.get('/settings')).text).not.toContain('message-done');
    expect((await site.deps.records.settings.get({ fresh: true })).pushMinIntervalSeconds).toBe(5);
  });
});

describe('a form for which there is no room now', () => {
  it('is answered 429, with the time after which to try again', async () => {
    const full = createConsole(site.deps, new RequestBodies({ totalBytes: 8, senderBytes: 8 }));
    const { host } = new URL(site.origin);
    const request = new Request(`${site.origin}/sign-in`, {
      method: 'POST',
      headers: { host, origin: site.origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${'x'.repeat(100)}`,
    });
    const answer = await full.fetch(request);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '5']);
  });
});
