/** Smart HTTP: credentials, when they are sent and to whom. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitferryError } from '../../../../lib/core/errors.ts';
import { codeOf } from '../../../support/byte-streams.ts';
import { git, temporaryFolder } from '../../../support/git.ts';
import { type GitHttpServerOptions, startGitHttpServer } from '../../../support/git-http-server.ts';
import { discovered, forThisTest, transportTo } from '../../../support/http-transport.ts';
import { certificates, testAuthority } from '../../../support/tls.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  await git(folder.path, ['init', '--quiet', '--bare', join(folder.path, 'r.git')]);
});
afterAll(() => folder.remove());

const server = (options: Partial<GitHttpServerOptions>) => forThisTest(startGitHttpServer({ root: folder.path, ...options }));

describe('a host that wants a user name and password', () => {
  const basic = { username: 'me@example.org', password: 'p:a/s%40s wörd' };

  it.each([
    ['right, encoded for a URL', `me%40example.org:${encodeURIComponent(basic.password)}`, undefined],
    ['missing', undefined, 'credentials_missing'],
    ['wrong', 'me%40example.org:wrong', 'credentials_refused'],
    ['without a password', 'me%40example.org', 'credentials_refused'],
    ['encoded twice', `me%2540example.org:${encodeURIComponent(encodeURIComponent(basic.password))}`, 'credentials_refused'],
  ])('answers credentials that are %s', async (_, userInfo, code) => {
    const { url } = await server({ basic });
    expect(await codeOf(discovered(transportTo(url('r.git', userInfo))))).toBe(code);
  });

  it('gets them with the first request, and no answer is thrown away', async () => {
    const { url, log } = await server({ basic: { username: 'me', password: 'secret' } });
    await discovered(transportTo(url('r.git', 'me:secret')));
    expect(log.map(({ status }) => status)).toEqual([200]);
  });

  it('gets git as the user name where there is none', async () => {
    const { url } = await server({ basic: { username: 'git', password: 'token' } });
    expect(await codeOf(discovered(transportTo(url('r.git', ':token'))))).toBeUndefined();
  });

  it('gets a token in the place of the user name as it stands', async () => {
    const { url } = await server({ basic: { username: 'ghp_token', password: '' } });
    expect(await codeOf(discovered(transportTo(url('r.git', 'ghp_token'))))).toBeUndefined();
  });
});

describe('a host that wants a bearer token', () => {
  it.each([
    ['the password', 'anybody:token'],
    ['the password without a user name', ':token'],
    ['the user name where there is no password', 'token'],
  ])('gets %s after its challenge, and at once from then on', async (_, userInfo) => {
    const { url, log } = await server({ bearer: 'token' });
    const transport = transportTo(url('r.git', userInfo));
    await discovered(transport);
    await discovered(transport);
    expect(log.map(({ status, headers }) => [status, headers.authorization?.split(' ')[0]])).toEqual([
      [401, 'Basic'],
      [200, 'Bearer'],
      [200, 'Bearer'],
    ]);
  });

  it('refuses a wrong one once and for all', async () => {
    const { url, log } = await server({ bearer: 'token' });
    expect(await codeOf(discovered(transportTo(url('r.git', 'me:wrong'))))).toBe('credentials_refused');
    expect(log).toHaveLength(2);
  });

  it('is not asked for a token that nobody has', async () => {
    const { url, log } = await server({ bearer: 'token' });
    expect(await codeOf(discovered(transportTo(url('r.git'))))).toBe('credentials_missing');
    expect(log).toHaveLength(1);
  });
});

describe('TLS', () => {
  it('with a trusted certificate carries credentials and packs', async () => {
    const { url } = await server({ tls: certificates.loopback, basic: { username: 'me', password: 'secret' } });
    const said = await discovered(transportTo(url('r.git', 'me:secret'), { authorities: testAuthority }), 'git-receive-pack', 0);
    expect(said).toContain('report-status');
  });

  it('with an untrusted certificate ends before anything is sent', async () => {
    const { url, log } = await server({ tls: certificates.selfSigned });
    expect(await codeOf(discovered(transportTo(url('r.git', 'me:secret'))))).toBe('tls_certificate_invalid');
    expect(log).toEqual([]);
  });
});

describe('a sign-in that is refused', () => {
  const failure = async (options: Partial<GitHttpServerOptions>, userInfo?: string): Promise<GitferryError> => {
    const { url } = await server(options);
    try {
      await discovered(transportTo(url('r.git', userInfo)));
    } catch (error) {
      if (error instanceof GitferryError) return error;
    }
    throw new Error('it was let in');
  };
  const answering = (status: number, headers: Readonly<Record<string, string>>): Partial<GitHttpServerOptions> => ({
    intercept({ response }) {
      response.writeHead(status, headers).end();
      return true;
    },
  });

  it.each([
    ['user name', 'me%2540example.org:wrong', /The user name holds %40/],
    ['password', 'me:wr%2540ng', /The password holds %40/],
    ['neither', 'me%40example.org:wrong', /Check that the token/],
  ])('hints at %%40 where the %s holds it', async (_, userInfo, hint) => {
    expect(await failure({ basic: { username: 'me', password: 'secret' } }, userInfo)).toMatchObject({
      code: 'credentials_refused',
      hint: expect.stringMatching(hint),
    });
  });

  it.each([
    ['Negotiate', 'sign_in_not_supported'],
    ['Negotiate, NTLM', 'sign_in_not_supported'],
    ['Digest realm="git", nonce="x"', 'sign_in_not_supported'],
    ['Negotiate, Basic realm="git"', 'credentials_refused'],
    ['', 'credentials_refused'],
  ])('does not blame the token where %j is all that is offered', async (challenge, code) => {
    expect(await failure(answering(401, { 'www-authenticate': challenge }), 'me:secret')).toMatchObject({ code });
  });

  it.each(['/users/sign_in', '/user/login', '/login', '/-/auth/saml'])('says that %s is a sign-in page', async (location) => {
    expect(await failure(answering(302, { location }))).toMatchObject({
      code: 'redirect_refused',
      hint: expect.stringMatching(/private, disabled, archived or deleted/),
    });
  });

  it.each([
    [{}, /answered 429\.$/],
    [{ 'retry-after': '120' }, /answered 429 and asks to wait 120 s\.$/],
  ])('by a limit says what is true: %j', async (headers, message) => {
    const error = await failure(answering(429, headers));
    expect(error).toMatchObject({ code: 'rate_limited', message: expect.stringMatching(message) });
    expect(error.hint).toMatch(/on the command line, run it again/);
  });
});
