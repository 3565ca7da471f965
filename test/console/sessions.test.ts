import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withDeploymentToken } from '../../lib/aws/instance/deployment-token.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';

const deploymentToken = 'the-token-of-the-deployment-0123456789';
let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole((deps) => {
    const secrets = { read: async () => ({ token: deploymentToken }) };
    const tokens = withDeploymentToken(deps.records.tokens, { secrets, secretName: 'owner', clock: deps.clock });
    return { ...deps, records: { ...deps.records, tokens } };
  });
});
afterAll(() => site.close());

const session = '__Host-gitferry-session';

describe('a session', () => {
  it('can begin with the token that the deployment made, which is an owner', async () => {
    const person = await site.signedIn(deploymentToken);
    for (const path of ['/', '/settings', '/settings/tokens', '/projects/new']) expect((await person.get(path)).status).toBe(200);
    expect((await person.post('/sign-out-everywhere')).status).toBe(303);
    expect((await person.get('/settings')).status).toBe(303);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'x'],
    ['another cookie of the right length', 'A'.repeat(43)],
    ['markup', '"><script>alert(1)</script>'],
    ['broken percent signs', '%E0%A4%A'],
    ['a prototype', '__proto__'],
    ['much', 'x'.repeat(10_000)],
  ])('is not found for a cookie with %s, and the page asks to sign in', async (_, junk) => {
    const person = site.browser();
    person.cookies.set(session, junk);
    person.cookies.set('__Host-gitferry-flash', junk);
    const answer = await person.get('/settings');
    expect([answer.status, answer.location]).toEqual([303, '/sign-in?return=%2Fsettings']);
    const page = await person.get('/sign-in?return=%2Fsettings');
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('alert(1)');
    const known = await site.signedIn();
    known.cookies.set('__Host-gitferry-flash', junk);
    const shown = await known.get('/');
    expect([shown.status, shown.text.includes('alert(1)'), shown.text.includes('class="message')]).toEqual([200, false, false]);
  });

  it('that ended while a form was filled in leads back to it, and says that nothing was done', async () => {
    const person = await site.signedIn();
    person.cookies.delete(session);
    const referer = { referer: `${site.origin}/settings?tab=1` };
    const answer = await person.post('/settings/silent-mode', { silent_mode_enabled: 'true' }, { headers: referer });
    expect([answer.status, answer.location]).toEqual([303, '/sign-in?return=%2Fsettings%3Ftab%3D1&lost=form']);
    const signIn = await person.get(answer.location ?? '');
    expect(signIn.text).toContain('nothing was done with the form');
    const back = /name="return" value="([^"]+)"/.exec(signIn.text)?.[1] ?? '';
    expect((await person.post('/sign-in', { token: site.api.ownerToken, return: back })).location).toBe('/settings?tab=1');
    expect((await site.deps.records.settings.get({ fresh: true })).silentModeEnabled).toBe(false);
  });

  it('that ended needs no form again to sign out', async () => {
    expect((await site.browser().post('/sign-out')).location).toBe('/sign-in');
  });
});

describe('where a sign-in and a button lead back to', () => {
  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/%09/evil.example\t',
    '/sign-out',
    ' //evil.example',
  ])('is never %s', async (path) => {
    const person = site.browser();
    expect((await person.get(`/sign-in?return=${encodeURIComponent(path)}`)).text).not.toContain('evil.example');
    const { location } = await person.post('/sign-in', { token: site.api.ownerToken, return: path });
    expect(new URL(location ?? '', site.origin).origin).toBe(site.origin);
    const again = await person.get(`/sign-in?return=${encodeURIComponent(path)}`);
    expect(new URL(again.location ?? '', site.origin).origin).toBe(site.origin);
    const { id } = await site.api.newProject();
    const { body } = await site.api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://mirror.example/a/b.git' } });
    for (const action of ['update', 'pause', 'resume']) {
      const answer = await person.post(`/projects/${id}/mirrors/${body.id}/${action}`, { back: path });
      expect([action, answer.status, new URL(answer.location ?? '', site.origin).origin]).toEqual([action, 303, site.origin]);
    }
  });
});

describe('an unusual request', () => {
  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('by %s changes nothing and is a page that says so', async (method) => {
    const person = await site.signedIn();
    const { id } = await site.api.newProject();
    for (const path of ['/', '/sign-in', `/projects/${id}`, `/projects/${id}/delete`]) {
      const answer = await person.request(method, path, { headers: { origin: site.origin } });
      expect([path, [404, 405].includes(answer.status)]).toEqual([path, true]);
    }
    expect((await person.request(method, `/projects/${id}/delete`)).status).toBe(403);
    expect(await site.deps.records.projects.get(id)).toBeDefined();
  });

  it('by HEAD has the answer of GET without its body, and leaves the message for whoever reads it', async () => {
    const person = await site.signedIn();
    await person.post('/settings/silent-mode', {});
    const head = await person.request('HEAD', '/settings');
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'text/html; charset=UTF-8']);
    expect((await site.browser().request('HEAD', '/settings')).location).toBe('/sign-in?return=%2Fsettings');
    expect((await site.browser().request('HEAD', '/sign-in')).status).toBe(200);
  });
});
