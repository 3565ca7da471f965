/** lib/sso and the console's pages for it, with a real provider: who gets in, as whom, and who does not. */
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import type { Browser } from '../support/console.ts';
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts';
import { type SsoConsole, startSsoConsole } from '../support/single-sign-on.ts';

const sessionCookie = '__Host-gitferry-session';
const minute = 60_000;

let site: SsoConsole;
let provider: IdentityProvider;
beforeAll(async () => {
  site = await startSsoConsole();
  provider = await startIdentityProvider({ site: site.origin, ids: ['company', 'other'] });
});
afterAll(async () => {
  await provider.close();
  await site.close();
});
beforeEach(() => {
  site.aheadMs = 0;
  site.settings = { providers: [provider.settings()] };
  provider.accounts.clear();
  provider.accounts.set('ada', { groups: ['maintainers', 'others'] });
});
afterEach(() => {
  provider.tamper = undefined;
  provider.intercept = undefined;
});

/** Signs in and follows the way back; resolves with what the console answers. */
async function signIn(person: Browser, login = 'ada', path?: string) {
  return person.get(await provider.signIn(person, login, path));
}

async function isSignedIn(person: Browser): Promise<boolean> {
  return (await person.get('/')).status === 200;
}

/** Nobody got in, the page says why and offers the token, and one line of the log names the failure. From the way back it is a page without the code. */
async function expectRefusal(person: Browser, first: Awaited<ReturnType<Browser['get']>>, failure: string, words: RegExp): Promise<void> {
  if (first.status === 303) expect(first.location).toMatch(/^\/sign-in(\?return=[^&]*)?$/);
  else expect(first.status).toBeGreaterThanOrEqual(400);
  const answer = first.status === 303 ? await person.get(first.location ?? '') : first;
  expect(answer.text.replace(/<\/?bdi>/g, '')).toMatch(words);
  expect(answer.text).not.toContain('<script>alert');
  expect(answer.text).toContain('name="token"');
  expect(person.cookies.has(sessionCookie)).toBe(false);
  expect(await isSignedIn(person)).toBe(false);
  const lines = site.api.logLines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'console_sign_in');
  expect(lines.at(-1)).toMatchObject({ ok: false, failure });
  expect((await person.post('/sign-in', { token: site.api.ownerToken })).status).toBe(303);
}

describe('a sign-in at a provider', () => {
  it('leads back to the page that was asked for, as a person with the role of their groups', async () => {
    const person = site.browser();
    const asked = await person.get('/?q=x');
    expect(asked.location).toBe('/sign-in?return=%2F%3Fq%3Dx');
    const page = await person.get(asked.location ?? '');
    expect(page.text).toContain('Sign in with <bdi>Example Company</bdi>');
    const path = /href="(\/sign-in\/sso\/[^"]+)"/.exec(page.text)?.[1] ?? '';
    const ended = await signIn(person, 'ada', path);
    expect([ended.status, ended.location]).toEqual([303, '/?q=x']);
    const overview = await person.get('/?q=x');
    expect(overview.text).toContain('ada (company)');
    expect(overview.text).toContain('<p>maintainer</p>');
    expect((await person.get('/settings')).status).toBe(403);
  });

  it('asks with code, PKCE, state and nonce, new ones each time, and sends no secret through the browser', async () => {
    const person = site.browser();
    const asked = await Promise.all([1, 2].map(() => person.get('/sign-in/sso/company')));
    const [one, two] = asked.map(({ location }) => new URL(location ?? '').searchParams);
    expect(Object.fromEntries(one ?? [])).toMatchObject({
      response_type: 'code',
      client_id: 'gitferry',
      redirect_uri: `${site.origin}/sign-in/sso/company/callback`,
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(one?.get(name)).toMatch(/^[\w-]{43}$/);
      expect(one?.get(name)).not.toBe(two?.get(name));
    }
    expect(asked.map(({ location }) => location).join()).not.toContain('canary');
  });

  it('sets cookies for this host, https and no script; those of the way there are gone at its end', async () => {
    const person = site.browser();
    const begun = await person.get('/sign-in/sso/company');
    const back = await provider.signIn(person, 'ada');
    const ended = await person.get(back);
    const lines = [...begun.headers.getSetCookie(), ...ended.headers.getSetCookie()];
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const line of lines)
      expect(line).toMatch(/^__Host-gitferry-[^;]+;(?=.*Path=\/)(?=.*HttpOnly)(?=.*Secure)(?=.*SameSite=Lax)(?!.*Domain)/);
    expect([...person.cookies.keys()].filter((name) => name.includes('flow-')).length).toBe(1);
    for (const { headers } of [begun, ended]) expect(headers.get('cache-control')).toBe('no-store');
  });

  it('in several tabs at once ends in each, and many that nobody ends leave few cookies', async () => {
    const person = site.browser();
    const back = [await provider.signIn(person, 'ada'), await provider.signIn(person, 'ada')];
    for (const path of back) expect((await person.get(path)).status).toBe(303);
    for (let tab = 0; tab < 12; tab++) await person.get('/sign-in/sso/company');
    expect([...person.cookies.keys()].filter((name) => name.includes('flow-')).length).toBeLessThanOrEqual(6);
  });

  it('replaces the session that was there, so that one that somebody planted is worth nothing', async () => {
    const person = site.browser();
    const planted = 'P'.repeat(43);
    person.cookies.set(sessionCookie, planted);
    await signIn(person);
    expect(person.cookies.get(sessionCookie)).not.toBe(planted);
    expect(await isSignedIn(person)).toBe(true);
    const other = site.browser();
    other.cookies.set(sessionCookie, planted);
    expect(await isSignedIn(other)).toBe(false);
  });

  it('is named in the log and in runs by provider and subject', async () => {
    provider.accounts.set('olga', { groups: ['owners'], sub: 'olga', preferred_username: 'Olga\u202e O.' });
    const person = site.browser();
    await signIn(person, 'olga');
    await person.post('/projects/new', { path: 'sso/named', repository_url: 'https://git.example.org/sso/named.git' });
    const lines = site.api.logLines.map((line) => JSON.parse(line));
    expect(lines.filter(({ event }) => event === 'console_sign_in').at(-1)).toMatchObject({ ok: true, sso: 'company', subject: 'olga' });
    const call = lines.findLast(({ event, call }) => event === 'api_call' && call === 'POST /projects');
    expect(call).toMatchObject({ by: 'Olga⟨U+202E⟩ O. (company)', sso: 'company', subject: 'olga', status: 201 });
    expect(call.token).toBeUndefined();
  });
});

describe('the role', () => {
  const grants = [
    { group: 'all-read', role: 'reporter' },
    { group: 'team-a', role: 'maintainer', projects: [1, 2] },
    { group: 'team-b', role: 'maintainer', projects: [2, 3] },
    { group: 'lead', role: 'maintainer' },
    { group: 'admins', role: 'owner' },
  ];
  it.each([
    ['the only group', ['all-read'], 'reporter', null],
    ['the highest group, with its projects', ['all-read', 'team-a'], 'maintainer', [1, 2]],
    ['two groups of one role, with the projects of both', ['team-a', 'team-b'], 'maintainer', [1, 2, 3]],
    ['a group of all projects beside one of some', ['team-a', 'lead'], 'maintainer', null],
    ['the highest of all', ['admins', 'team-a', 'x'], 'owner', null],
    ['a text instead of a list', 'admins', 'owner', null],
    ['among things that are no names', [{ admins: true }, 7, null, 'all-read'], 'reporter', null],
  ])('is that of %s', async (_, groups, role, projects) => {
    site.settings = { providers: [provider.settings({ grants })] };
    provider.accounts.set('ada', { groups });
    const person = site.browser();
    await signIn(person);
    const page = (await person.get('/')).text;
    expect(page).toContain(projects === null ? `<p>${role}</p>` : `<p>${role}, ${(projects as number[]).length} projects</p>`);
  });

  it('comes from the userinfo endpoint where the ID token holds no groups, for the same subject only', async () => {
    const conforming = await startIdentityProvider({ site: site.origin, conform: true });
    conforming.accounts.set('ada', { groups: ['owners'] });
    site.settings = { providers: [conforming.settings()] };
    const person = site.browser();
    await person.get(await conforming.signIn(person, 'ada'));
    expect((await person.get('/settings')).status).toBe(200);
    conforming.intercept = (request, response) => {
      if (request.url !== '/me') return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub: 'eve', groups: ['owners'] }));
      return true;
    };
    const other = site.browser();
    await expectRefusal(other, await other.get(await conforming.signIn(other, 'ada')), 'not_proven', /does not prove who you are/);
    await conforming.close();
  });

  it('is everybody’s where the settings say so, and a group called * is nobody’s', async () => {
    site.settings = { providers: [provider.settings({ grants: [{ group: 'admins', role: 'owner' }] })] };
    provider.accounts.set('ada', { groups: ['*'] });
    const person = site.browser();
    await expectRefusal(person, await signIn(person), 'no_role', /none of your groups \(1\) has a role here/);
    site.settings = { providers: [provider.settings({ grants: [{ group: '*', role: 'reporter' }] })] };
    provider.accounts.set('ada', {});
    const reader = site.browser();
    await signIn(reader);
    expect((await reader.get('/')).text).toContain('<p>reporter</p>');
  });

  it('follows the settings at once: a group that lost its role, another role, a provider that is gone or is another one', async () => {
    const person = site.browser();
    await signIn(person);
    expect((await person.get('/')).text).toContain('<p>maintainer</p>');
    const changed = (change: object): void => {
      site.settings = { providers: [provider.settings(change)] };
    };
    changed({ grants: [{ group: 'maintainers', role: 'reporter', projects: [7] }] });
    expect((await person.get('/')).text).toContain('<p>reporter, 1 project</p>');
    for (const change of [{ grants: [{ group: 'owners', role: 'owner' }] }, { id: 'renamed' }, { issuer: 'https://elsewhere.example' }]) {
      changed(change);
      expect((await person.get('/projects/1')).location).toBe('/sign-in/sso/company?return=%2Fprojects%2F1');
      // The provider is asked once by itself, and not in circles.
      person.cookies.set('__Host-gitferry-provider', 'company');
    }
    changed({});
    expect(await isSignedIn(person)).toBe(true);
  });

  it('is looked up anew when the session ends: a removed group is gone', async () => {
    site.settings = { providers: [provider.settings({ session_minutes: 5 })] };
    const person = site.browser();
    await signIn(person);
    provider.accounts.set('ada', { groups: ['readers'] });
    site.aheadMs = 6 * minute;
    const sentBack = await person.get('/');
    expect(sentBack.location).toBe('/sign-in/sso/company');
    await signIn(person, 'ada', sentBack.location ?? '');
    expect((await person.get('/')).text).toContain('<p>reporter</p>');
    provider.accounts.set('ada', { groups: [] });
    const other = site.browser();
    await expectRefusal(other, await signIn(other), 'no_role', /knows you as ada, but none of your groups \(0\)/);
  });

  it('is refused with the reason where the provider left out groups (Entra), and is no problem of 5,000 groups', async () => {
    for (const claims of [
      { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } },
      { hasgroups: true },
    ]) {
      provider.accounts.set('ada', claims);
      const person = site.browser();
      await expectRefusal(person, await signIn(person), 'groups_left_out', /more groups than Example Company tells at once/);
    }
    const many = Array.from({ length: 5_000 }, (_, index) => `00000000-aaaa-bbbb-cccc-${String(index).padStart(12, '0')}`);
    provider.accounts.set('ada', { groups: [...many, 'maintainers'] });
    const person = site.browser();
    await signIn(person);
    expect((await person.get('/')).text).toContain('<p>maintainer</p>');
  });
});

describe('a session', () => {
  const isSignedInAfter = async (person: Browser, ms: number): Promise<boolean> => {
    site.aheadMs = ms;
    return isSignedIn(person);
  };

  it('ends with the ID token', async () => {
    const person = site.browser();
    await signIn(person);
    expect(await isSignedInAfter(person, 3600_000 - minute)).toBe(true);
    expect(await isSignedInAfter(person, 3600_000 + 1000)).toBe(false);
  });

  it('ends after the minutes of the settings, where these are given, and after twelve hours at the latest', async () => {
    site.settings = { providers: [provider.settings({ session_minutes: 90 })] };
    const person = site.browser();
    await signIn(person);
    expect(await isSignedInAfter(person, 89 * minute)).toBe(true);
    expect(await isSignedInAfter(person, 91 * minute)).toBe(false);
    site.aheadMs = 0;
    const long = await startIdentityProvider({ site: site.origin, idTokenSeconds: 7 * 24 * 3600 });
    long.accounts.set('ada', { groups: ['readers'] });
    site.settings = { providers: [long.settings()] };
    const other = site.browser();
    await other.get(await long.signIn(other, 'ada'));
    expect(await isSignedInAfter(other, 719 * minute)).toBe(true);
    expect(await isSignedInAfter(other, 721 * minute)).toBe(false);
    await long.close();
  });

  it('ends by signing out, here and at the provider, and everywhere for one person without others', async () => {
    const [here, there, other] = [site.browser(), site.browser(), site.browser()];
    provider.accounts.set('bob', { groups: ['readers'] });
    for (const person of [here, there]) await signIn(person);
    await signIn(other, 'bob');
    const out = await here.post('/sign-out');
    expect(out.status).toBe(200);
    const url = new URL(/^0; url=(.*)$/.exec(out.headers.get('refresh') ?? '')?.[1] ?? '');
    expect([url.origin, url.pathname]).toEqual([provider.issuer, '/session/end']);
    expect(Object.fromEntries(url.searchParams)).toEqual({ client_id: 'gitferry', post_logout_redirect_uri: `${site.origin}/sign-in` });
    expect([here.cookies.size, await isSignedIn(here)]).toEqual([0, false]);
    expect(await isSignedIn(there)).toBe(true);
    const again = site.browser();
    await signIn(again);
    expect((await again.post('/sign-out-everywhere')).status).toBe(200);
    expect([await isSignedIn(there), await isSignedIn(again), await isSignedIn(other)]).toEqual([false, false, true]);
  });

  it('is not renewed by a page that is left open, nor where a token was used since', async () => {
    const person = site.browser();
    await signIn(person);
    site.settings = { providers: [] };
    const part = await person.get('/', { headers: { 'hx-request': 'true' } });
    expect([part.status, part.headers.get('hx-redirect')]).toEqual([401, '/sign-in']);
    await person.post('/sign-in', { token: site.api.ownerToken });
    person.cookies.delete(sessionCookie);
    expect((await person.get('/')).location).toBe('/sign-in');
  });

  it('is over, and no failure of gitferry’s, where its settings are gone', async () => {
    for (const settings of [new GitferryError('secret_missing'), { providers: 7 }]) {
      site.settings = { providers: [provider.settings()] };
      const person = site.browser();
      await signIn(person);
      site.settings = settings;
      expect((await person.get('/')).status).toBe(303);
    }
  });

  it('cannot delete the last token of an owner, which is the way in when the provider is down', async () => {
    provider.accounts.set('olga', { groups: ['owners'] });
    const person = site.browser();
    await signIn(person, 'olga');
    const { body } = await site.api.call('GET', '/personal_access_tokens');
    const [owner] = body.filter(({ role }: { role: string }) => role === 'owner');
    const answer = await person.post(`/settings/tokens/${owner.id}/delete`);
    expect(answer.status).toBe(303);
    expect((await site.api.call('GET', '/personal_access_tokens/self')).status).toBe(200);
  });
});

describe('what nobody gets in with', () => {
  it('is an answer that was used before, in the same browser or with its cookies put back', async () => {
    const person = site.browser();
    const back = await provider.signIn(person, 'ada');
    const kept = new Map(person.cookies);
    await person.get(back);
    await person.post('/sign-out');
    await expectRefusal(person, await person.get(back), 'unknown_flow', /not begun in this browser/);
    const again = site.browser();
    for (const [name, value] of kept) again.cookies.set(name, value);
    await expectRefusal(again, await again.get(back), 'not_proven', /used already/);
  });

  it('is the answer of another browser (login CSRF), or one whose state, code or path was changed', async () => {
    const attacker = site.browser();
    const back = await provider.signIn(attacker, 'ada');
    const victim = site.browser();
    await expectRefusal(victim, await victim.get(back), 'unknown_flow', /not begun in this browser/);
    const withOwn = site.browser();
    const ownState = new URL((await withOwn.get('/sign-in/sso/company')).location ?? '').searchParams.get('state') ?? '';
    await expectRefusal(
      withOwn,
      await withOwn.get(back.replace(/state=[^&]+/, `state=${ownState}`)),
      'not_proven',
      /used already or took too long/,
    );
    for (const query of [
      '',
      '?code=x',
      '?state=',
      '?state=__proto__',
      `?state=${'s'.repeat(43)}&code=x`,
      '?error=access_denied',
      '?state[]=x',
    ]) {
      const person = site.browser();
      await expectRefusal(person, await person.get(`/sign-in/sso/company/callback${query}`), 'unknown_flow', /not begun in this browser/);
    }
    for (const cookie of ['', 'x', Buffer.from('{}').toString('base64url'), Buffer.from('["company",1,2,3,4]').toString('base64url')]) {
      const person = site.browser();
      const state = 's'.repeat(43);
      person.cookies.set(`__Host-gitferry-flow-${state}`, cookie);
      await expectRefusal(person, await person.get(`/sign-in/sso/company/callback?state=${state}&code=x`), 'unknown_flow', /not begun/);
    }
  });

  it('is an answer of one provider at the address of another, or in the name of another issuer (mix-up)', async () => {
    site.settings = { providers: [provider.settings(), provider.settings({ id: 'other', name: 'Other' })] };
    const person = site.browser();
    const back = await provider.signIn(person, 'ada');
    await expectRefusal(person, await person.get(back.replace('/sso/company/', '/sso/other/')), 'unknown_flow', /not begun/);
    const second = site.browser();
    const issued = await provider.signIn(second, 'ada');
    expect(issued).toContain(`iss=${encodeURIComponent(provider.issuer)}`);
    const from = issued.replace(/iss=[^&]+/, `iss=${encodeURIComponent('https://evil.example')}`);
    await expectRefusal(second, await second.get(from), 'not_proven', /does not prove/);
    const third = site.browser();
    const without = (await provider.signIn(third, 'ada')).replace(/&iss=[^&]+/, '');
    await expectRefusal(third, await third.get(without), 'not_proven', /does not prove/);
  });

  it('is a provider’s refusal, whose words are text', async () => {
    const person = site.browser();
    const state = new URL((await person.get('/sign-in/sso/company')).location ?? '').searchParams.get('state') ?? '';
    const query = new URLSearchParams({
      state,
      iss: provider.issuer,
      error: 'access_denied',
      error_description: '<script>alert(1)</script>',
    });
    const answer = await person.get(`/sign-in/sso/company/callback?${query}`);
    await expectRefusal(person, answer, 'provider_refused', /Example Company refuses: access_denied, &lt;script/);
  });

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const partsOf = (token: string) => token.split('.').map((part) => part);
  const decoded = (part = ''): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString());
  const signed = (header: object, claims: object): string => {
    const input = `${encoded(header)}.${encoded(claims)}`;
    return `${input}.${createSign('RSA-SHA256').update(input).sign(privateKey, 'base64url')}`;
  };
  const forgeries: readonly [string, (token: string) => unknown][] = [
    ['has no signature (alg none)', (token) => `${encoded({ alg: 'none' })}.${partsOf(token)[1]}.`],
    ['is signed with another key', (token) => signed(decoded(partsOf(token)[0]), decoded(partsOf(token)[1]))],
    [
      'is signed with a key that it brings along',
      (token) => signed({ ...decoded(partsOf(token)[0]), kid: 'mine', jku: 'https://evil.example/keys' }, decoded(partsOf(token)[1])),
    ],
    [
      'is signed with the client’s secret',
      (token) => {
        const input = `${encoded({ alg: 'HS256' })}.${partsOf(token)[1]}`;
        return `${input}.${createHmac('sha256', provider.clientSecret).update(input).digest('base64url')}`;
      },
    ],
    [
      'has other claims under an old signature',
      (token) => [partsOf(token)[0], encoded({ ...decoded(partsOf(token)[1]), groups: ['owners'] }), partsOf(token)[2]].join('.'),
    ],
    ['is missing', () => undefined],
    ['is no token', () => 'not.a.token'],
    ['is a number', () => 7],
  ];
  it.each(forgeries)('is an ID token that %s', async (_, forge) => {
    provider.tamper = (answer) => ({ ...answer, id_token: forge(answer.id_token) });
    const person = site.browser();
    await expectRefusal(person, await signIn(person), 'not_proven', /does not prove who you are/);
  });

  /** Signed by the provider itself: its key is the one that the console finds. */
  const wrongClaims: readonly [string, (claims: Record<string, unknown>) => object][] = [
    ['another audience', (claims) => ({ ...claims, aud: 'another-client' })],
    ['several audiences, authorized for another', (claims) => ({ ...claims, aud: ['gitferry', 'x'], azp: 'x' })],
    ['another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' })],
    ['another nonce', (claims) => ({ ...claims, nonce: 'n'.repeat(43) })],
    ['no nonce', ({ nonce: _, ...claims }) => claims],
    ['no subject', ({ sub: _, ...claims }) => claims],
    ['a subject of 300 characters', (claims) => ({ ...claims, sub: 's'.repeat(300) })],
    ['an end that is over', (claims) => ({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 })],
    ['no end', ({ exp: _, ...claims }) => claims],
    ['an end in less than a minute', (claims) => ({ ...claims, exp: Math.floor(Date.now() / 1000) + 20 })],
    ['a beginning in an hour', (claims) => ({ ...claims, nbf: Math.floor(Date.now() / 1000) + 3600 })],
  ];
  describe('even where the provider’s own key signed it', () => {
    const { privateKey: ownKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    let own: IdentityProvider;
    beforeAll(async () => {
      const jwk = { ...ownKey.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' };
      own = await startIdentityProvider({ site: site.origin, configuration: { jwks: { keys: [jwk] } } });
      expect(publicKey.asymmetricKeyType).toBe('rsa');
    });
    afterAll(() => own.close());
    const ownSigned = (claims: object): string => {
      const input = `${encoded({ alg: 'RS256', kid: 'own', typ: 'JWT' })}.${encoded(claims)}`;
      return `${input}.${createSign('RSA-SHA256').update(input).sign(ownKey, 'base64url')}`;
    };
    const signInWith = async (change: (claims: Record<string, unknown>) => object) => {
      site.settings = { providers: [own.settings()] };
      own.accounts.set('ada', { groups: ['maintainers'] });
      own.tamper = (answer) => ({ ...answer, id_token: ownSigned(change(decoded(partsOf(answer.id_token)[1]))) });
      const person = site.browser();
      return { person, answer: await person.get(await own.signIn(person, 'ada')) };
    };

    it.each(wrongClaims)('is an ID token with %s', async (_, change) => {
      const { person, answer } = await signInWith(change);
      await expectRefusal(person, answer, 'not_proven', /does not prove who you are|in more characters|less than a minute/);
    });

    it('but an ID token of a clock that is 20 s behind or ahead lets in, one of 5 minutes does not', async () => {
      const shifted = (seconds: number) => (claims: Record<string, unknown>) => {
        const now = Math.floor(Date.now() / 1000) + seconds;
        return { ...claims, iat: now, nbf: now, exp: now + 600 };
      };
      for (const seconds of [0, 20, -20]) expect((await signInWith(shifted(seconds))).answer.status).toBe(303);
      const { person, answer } = await signInWith(shifted(300));
      await expectRefusal(person, answer, 'not_proven', /its times do not fit the clock here/);
    });

    it('is an answer of several megabytes', async () => {
      const { person, answer } = await signInWith((claims) => ({ ...claims, padding: 'x'.repeat(3_000_000) }));
      await expectRefusal(person, answer, 'provider_unavailable', /does not answer \(protocol_error\)/);
    });
  });
});

describe('where a sign-in leads', () => {
  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/%09/evil.example\t',
    '/sign-out',
    '/sign-in/sso/company',
  ])('is never %s', async (path) => {
    const person = site.browser();
    const { location } = await signIn(person, 'ada', `/sign-in/sso/company?return=${encodeURIComponent(path)}`);
    expect(location).toBe('/');
  });

  it('is not for a cookie to say', async () => {
    const person = site.browser();
    const back = await provider.signIn(person, 'ada');
    const [name = ''] = [...person.cookies.keys()].filter((each) => each.includes('flow-'));
    const parts = JSON.parse(Buffer.from(person.cookies.get(name) ?? '', 'base64url').toString());
    person.cookies.set(name, Buffer.from(JSON.stringify([parts[0], '//evil.example', ...parts.slice(2)])).toString('base64url'));
    expect((await person.get(back)).location).toBe('/');
  });

  it('is the sign-in page for a provider that is not known', async () => {
    for (const id of ['nobody', '%00', 'COMPANY', 'x'.repeat(300)]) {
      const answer = await site.browser().get(`/sign-in/sso/${encodeURIComponent(id)}?return=%2F%3Fq%3D1`);
      expect([id, answer.location]).toEqual([id, '/sign-in?return=%2F%3Fq%3D1']);
    }
  });
});

describe('a provider that does not work', () => {
  it.each<[string, IdentityProvider['intercept'], RegExp]>([
    ['ends the connection', (request) => request.destroy() !== undefined, /does not answer \(connection_failed\)/],
    ['fails', (_, response) => response.writeHead(500).end('no') !== undefined, /gives no answer that gitferry can use/],
    [
      'answers with a page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>') !== undefined,
      /no answer that/,
    ],
    [
      'answers with something else',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('[1]') !== undefined,
      /no answer that/,
    ],
    [
      'sends elsewhere',
      (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end() !== undefined,
      /no answer that/,
    ],
    [
      'is somebody else',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"issuer":"https://evil.example"}') !== undefined,
      /no answer that/,
    ],
  ])('because it %s is told, and a token still lets in', async (_, intercept, words) => {
    const broken = await startIdentityProvider({ site: site.origin });
    broken.intercept = intercept;
    site.settings = { providers: [broken.settings()] };
    const person = site.browser();
    await expectRefusal(person, await person.get('/sign-in/sso/company?return=%2F%3Fq%3D1'), 'provider_unavailable', words);
    broken.intercept = undefined;
    await broken.close();
  });

  it('at the way back is told, and so are a wrong secret and a key list that is not there', async () => {
    for (const [path, status, words] of [
      ['/token', 503, /gives no answer that gitferry can use/],
      ['/jwks', 503, /gives no answer that gitferry can use/],
    ] as const) {
      const broken = await startIdentityProvider({ site: site.origin });
      site.settings = { providers: [broken.settings()] };
      const person = site.browser();
      const back = await broken.signIn(person, 'ada');
      broken.intercept = (request, response) => request.url === path && response.writeHead(status).end() !== undefined;
      await expectRefusal(person, await person.get(back), 'provider_unavailable', words);
      await broken.close();
    }
    site.settings = { providers: [provider.settings({ client_secret: 'wrong' })] };
    const person = site.browser();
    await expectRefusal(person, await signIn(person), 'provider_refused', /does not accept gitferry’s client id and secret/);
  });

  it('because the address guard refuses its address is told without the address, which only the log has', async () => {
    const guarded = await startSsoConsole({ allow: [] });
    guarded.settings = { providers: [provider.settings()] };
    const answer = await guarded.browser().get('/sign-in/sso/company');
    expect([answer.status, answer.text.includes('(address_blocked)'), answer.text.includes('127.0.0.1')]).toEqual([503, true, false]);
    expect(guarded.api.logLines.join()).toContain('127.0.0.1');
    guarded.settings = { providers: [provider.settings({ issuer: 'https://169.254.169.254' })] };
    expect((await guarded.browser().get('/sign-in/sso/company')).text).toContain('(address_blocked)');
    await guarded.close();
  });

  it.each<[string, object]>([
    ['no page to sign in at', { authorization_endpoint: undefined }],
    ['a script as its page', { authorization_endpoint: 'javascript:alert(1)' }],
    ['a page in the clear', { authorization_endpoint: 'http://id.example/auth' }],
  ])('because it names %s is told', async (_, change) => {
    const broken = await startIdentityProvider({ site: site.origin });
    const metadata = (await (await fetch(`${broken.issuer}/.well-known/openid-configuration`)).json()) as object;
    broken.intercept = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...metadata, ...change })) !== undefined;
    site.settings = { providers: [broken.settings()] };
    const person = site.browser();
    await expectRefusal(person, await person.get('/sign-in/sso/company'), 'provider_unavailable', /no answer that gitferry can use/);
    await broken.close();
  });

  it.each([undefined, 'javascript:alert(1)', 'http://id.example/out', 7, 'nothing'])(
    'for signing out, because its page for that is %s, lets in, and people sign out here',
    async (page) => {
      const other = await startIdentityProvider({ site: site.origin });
      other.accounts.set('ada', { groups: ['readers'] });
      const metadata = (await (await fetch(`${other.issuer}/.well-known/openid-configuration`)).json()) as object;
      other.intercept = ({ url }, response) => {
        if (url !== '/.well-known/openid-configuration') return false;
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...metadata, end_session_endpoint: page }));
        return true;
      };
      site.settings = { providers: [other.settings()] };
      const person = site.browser();
      await person.get(await other.signIn(person, 'ada'));
      expect(await isSignedIn(person)).toBe(true);
      const out = await person.post('/sign-out');
      expect([out.status, out.location, out.headers.get('refresh')]).toEqual([303, '/sign-in', null]);
      await other.close();
    },
  );

  it('leaves sessions that there are alone', async () => {
    const person = site.browser();
    await signIn(person);
    provider.intercept = (request) => request.destroy() !== undefined;
    expect(await isSignedIn(person)).toBe(true);
  });

  it('because its settings cannot be read is told on the sign-in page, where a token lets in', async () => {
    const canary = 'canary-of-the-settings';
    for (const settings of [
      new Error('no secret'),
      {},
      { providers: [provider.settings({ client_secret: 7, [canary]: canary, issuer: canary })] },
    ]) {
      site.settings = settings;
      const person = site.browser();
      for (const path of ['/sign-in', '/sign-in/sso/company'])
        expect((await person.get(path)).text).toContain('its settings are not readable');
      expect((await person.post('/sign-in', { token: site.api.ownerToken })).status).toBe(303);
    }
    expect(site.api.logLines.filter((line) => line.includes('sso_settings_unusable')).length).toBeGreaterThan(2);
    expect(site.api.logLines.join()).not.toContain(canary);
  });
});

it('Client secret, tokens and what a browser keeps are in no line of the log and in no URL', () => {
  const log = site.api.logLines.join('\n');
  const urls = provider.requests.join('\n');
  expect(provider.given.length).toBeGreaterThan(20);
  for (const secret of [...provider.given, provider.clientSecret, encodeURIComponent(provider.clientSecret), 'canary-client-secret']) {
    expect(log.includes(secret)).toBe(false);
    expect(urls.includes(secret)).toBe(false);
  }
  expect(log).not.toMatch(/[?&](code|state)=/);
});
