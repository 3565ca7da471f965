import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { credentialFault } from '../../../lib/credentials/credential-fault.ts';
import { isSameRepository, parseRepositoryUrl, sshFormOfScp } from '../../../lib/git/transport/repository-url.ts';
import { sshUserFault } from '../../../lib/git/transport/ssh/ssh-command.ts';
import { codeOf, settled } from '../../support/byte-streams.ts';

function parsed(text: string) {
  const { url, userInfo } = parseRepositoryUrl(text, 'SOURCE');
  return { href: url.href, host: url.host, port: url.port, path: url.path, ...(userInfo === undefined ? {} : { userInfo }) };
}

describe('a URL', () => {
  it.each([
    ['https://host/group/r.git', { href: 'https://host/group/r.git', host: 'host', port: undefined, path: '/group/r.git' }],
    ['http://host/r', { href: 'http://host/r', host: 'host' }],
    ['HTTPS://HOST/r', { href: 'https://host/r', host: 'host' }],
    ['ssh://host/r', { href: 'ssh://host/r', host: 'host' }],
    ['https://host/r/', { href: 'https://host/r', path: '/r' }],
    ['https://host/r///', { href: 'https://host/r' }],
    ['https://host:8443/r', { href: 'https://host:8443/r', port: 8443 }],
    ['https://host:443/r', { href: 'https://host/r', port: undefined }],
    ['ssh://host:22/r', { port: 22 }],
    ['ssh://host:2222/r', { href: 'ssh://host:2222/r', port: 2222 }],
    ['https://[::1]:8443/r', { href: 'https://[::1]:8443/r', host: '::1', port: 8443 }],
    ['ssh://[2001:DB8::1]/r', { host: '2001:db8::1', href: 'ssh://[2001:db8::1]/r' }],
    ['https://127.1/r', { host: '127.0.0.1' }],
    ['https://host/a%20b/c%2Fd', { path: '/a%20b/c%2Fd' }],
    ['https://host/größe', { path: '/gr%C3%B6%C3%9Fe' }],
    ['https://höst/r', { host: 'xn--hst-sna' }],
    ['https://host/a/../b', { path: '/b' }],
    ['https://host/~user/r', { path: '/~user/r' }],
    ['https://host/_git/r@v', { path: '/_git/r@v' }],
  ])('%s is understood', (text, expected) => expect(parsed(text)).toMatchObject(expected));

  it.each([
    ['https://user@host/r', { username: 'user', password: '' }],
    ['https://user:pass@host/r', { username: 'user', password: 'pass' }],
    ['https://:pass@host/r', { username: '', password: 'pass' }],
    ['https://user:@host/r', { username: 'user', password: '' }],
    ['https://me%40example.org:p%40ss@host/r', { username: 'me@example.org', password: 'p@ss' }],
    ['https://me@example.org:p@ss@host/r', { username: 'me@example.org', password: 'p@ss' }],
    ['https://user:p%2540@host/r', { username: 'user', password: 'p%40' }],
    ['https://user:100%25@host/r', { username: 'user', password: '100%' }],
    ['https://user:a:b@host/r', { username: 'user', password: 'a:b' }],
    ['https://user:gr%C3%B6%C3%9Fe@host/r', { username: 'user', password: 'größe' }],
    ['https://user:größe@host/r', { username: 'user', password: 'größe' }],
    ['ssh://git@host/r', { username: 'git', password: '' }],
    ['ssh://git:s%2Fcret@host/r', { username: 'git', password: 's/cret' }],
  ])('%s loses its user info, percent-decoded once', (text, userInfo) => {
    const result = parsed(text);
    expect(result.userInfo).toEqual(userInfo);
    expect(result.href).toMatch(/^(https|ssh):\/\/host\/r$/);
  });

  it.each([
    ['https://me:pa/ss@host/r', /%2F/],
    ['https://me:12/ss@host/r', /%2F/],
    ['https://me:/ss@host/r', /%2F/],
    ['ssh://git:a/b@host/r', /%2F/],
    ['https://me:pa#ss@host/r', /%23/],
    ['https://me:pa?ss@host/r', /%3F/],
    ['https://host', /names no repository/],
    ['https://me:pass%0A@host/r', /password .* ends with a line break/],
  ])('says of %j what is wrong, and nothing of the password', (text, message) => {
    expect(() => parseRepositoryUrl(text, 'SOURCE')).toThrow(message);
    expect(() => parseRepositoryUrl(text, 'SOURCE')).not.toThrow(/ss@|pass%|pa\b/);
  });

  it.each(['https://host/~me@home/r', 'https://me:secret@host/a@b/r'])('takes a path with @: %j', (text) => {
    expect(parseRepositoryUrl(text, 'SOURCE').url.path).toContain('@');
  });

  it('gives back any user name and password that was encoded for a URL', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('https', 'http', 'ssh'),
        (username, password, scheme) => {
          fc.pre(scheme !== 'ssh' || sshUserFault(username) === undefined);
          fc.pre(credentialFault({ username, password }) === undefined);
          const text = `${scheme}://${encodeURIComponent(username)}:${encodeURIComponent(password)}@host/r`;
          expect(parsed(text)).toMatchObject({ href: `${scheme}://host/r`, userInfo: { username, password } });
        },
      ),
    );
  });

  it.each([
    ['', 'invalid_url'],
    [' https://host/r', 'invalid_url'],
    ['https://host/a b', 'invalid_url'],
    ['https://host/r\n', 'invalid_url'],
    ['https://ho\nst/r', 'invalid_url'],
    ['https://host/r\t', 'invalid_url'],
    ['https://host/r\0', 'invalid_url'],
    ['https://host\\@evil/r', 'invalid_url'],
    ['C:\\repositories\\r', 'invalid_url'],
    ['https://host/r?x=1', 'invalid_url'],
    ['https://host/r#main', 'invalid_url'],
    ['https://user:pass#word@host/r', 'invalid_url'],
    ['https://user:pass?word@host/r', 'invalid_url'],
    ['https://user:pass/word@host/r', 'invalid_url'],
    ['https://user:100%@host/r', 'invalid_url'],
    ['https://user:%ff@host/r', 'invalid_url'],
    ['https://user:%0Apass@host/r', 'invalid_url'],
    ['https://user:pass%20@host/r', 'invalid_url'],
    ['https://user%0A:pass@host/r', 'invalid_url'],
    ['https://host', 'invalid_url'],
    ['http://host:8080/', 'invalid_url'],
    ['https://user:pass@host', 'invalid_url'],
    ['https://', 'invalid_url'],
    ['https:///r', 'invalid_url'],
    ['https:////host/r', 'invalid_url'],
    ['ssh:///r', 'invalid_url'],
    ['https://user@/r', 'invalid_url'],
    ['https://host:port/r', 'invalid_url'],
    ['https://host:65536/r', 'invalid_url'],
    ['https://host:0/r', 'invalid_url'],
    ['https://host:-1/r', 'invalid_url'],
    ['https://[::1/r', 'invalid_url'],
    ['https://[::g]/r', 'invalid_url'],
    ['https://256.256.256.256/r', 'invalid_url'],
    ['https://ho<st/r', 'invalid_url'],
    ['ssh://ho$(x)st/r', 'invalid_url'],
    ['ssh://-oProxyCommand=x/r', 'invalid_url'],
    ['ssh://%2DoProxyCommand=x/r', 'invalid_url'],
    ['ssh://-oProxyCommand=x@host/r', 'invalid_url'],
    ['ssh://%2DoProxyCommand=x@host/r', 'invalid_url'],
    ["ssh://us'er@host/r", 'invalid_url'],
    ['ssh://us%0Aer@host/r', 'invalid_url'],
    ['ssh://$(x)@host/r', 'invalid_url'],
    ['ssh://host/-oProxyCommand=x', 'invalid_url'],
    ['ssh://host//-x', 'invalid_url'],
    ['ssh://host/~-x/r', 'invalid_url'],
    ['ssh://host/~/-x', 'invalid_url'],
    ['ssh://host/%2Dx', 'invalid_url'],
    ['ssh://host/a%0Ab', 'invalid_url'],
    ['ssh://host/a%00b', 'invalid_url'],
    ['ssh://host/a%1bb', 'invalid_url'],
    ['ssh://host/%ff', 'invalid_url'],
    ['ssh://host/100%', 'invalid_url'],
    ['ssh://host', 'invalid_url'],
    ['ssh://host/', 'invalid_url'],
    ['user:pass@host', 'invalid_url'],
    ['user:pass@host:r.git', 'invalid_url'],
    ['git@host', 'invalid_url'],
    ['host/group/r', 'unsupported_scheme'],
    ['/srv/git/r.git', 'unsupported_scheme'],
    ['./r', 'unsupported_scheme'],
    ['../r:x', 'unsupported_scheme'],
    ['~/r', 'unsupported_scheme'],
    ['r', 'unsupported_scheme'],
    ['file:///srv/git/r.git', 'unsupported_scheme'],
    ['file:/srv/git/r.git', 'unsupported_scheme'],
    ['FILE:r', 'unsupported_scheme'],
    ['git://host/r', 'unsupported_scheme'],
    ['ftp://host/r', 'unsupported_scheme'],
    ['git+ssh://host/r', 'unsupported_scheme'],
    ['ext::sh -c x', 'invalid_url'],
    ['javascript://host/r', 'unsupported_scheme'],
    ['git@host:group/r.git', 'scp_style_url'],
    ['host:group/r.git', 'scp_style_url'],
    ['git@[::1]:r', 'scp_style_url'],
  ])('%j is %s', async (text, code) => expect(await codeOf(() => parseRepositoryUrl(text, 'SOURCE'))).toBe(code));

  it('is never repeated in messages: it may hold a password', async () => {
    const secret = 'hunter2hunter2';
    const texts = [
      `https://user:${secret}@`,
      `https://user:${secret}@host:port/r`,
      `https://user:${secret}%@host/r`,
      `https://user:${secret}#x@host/r`,
      `https://user:${secret}@ho st/r`,
      `https://user:${secret}@ho<st/r`,
      `ftp://user:${secret}@host/r`,
      `user:${secret}@host:r`,
      `user:${secret}@host/r`,
      `//user:${secret}@host/r`,
      `file://user:${secret}@host/r`,
      `https://user:${secret}@[::1/r`,
    ];
    for (const text of texts) {
      const result = await settled(() => parseRepositoryUrl(text, 'SOURCE'));
      expect('message' in result && result.message).not.toContain(secret);
      expect(result).toMatchObject({ message: expect.stringContaining('SOURCE') });
    }
  });

  it('is understood or refused by code, whatever the text, and what is shown holds no user info', async () => {
    const texts = fc.array(
      fc.oneof(
        fc.constantFrom('https://', 'ssh://', 'git@', 'host', ':', '/', '@', '%40', '[::1]', '?'),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(texts, async (parts) => {
        const result = await settled(() => parseRepositoryUrl(parts.join(''), 'SOURCE'));
        if ('code' in result) expect(['invalid_url', 'unsupported_scheme', 'scp_style_url']).toContain(result.code);
        else expect(new URL(result.value.url.href)).toMatchObject({ username: '', password: '' });
      }),
      { numRuns: 500 },
    );
  });
});

describe('an SCP-style address', () => {
  it.each([
    ['git@host:group/r.git', 'ssh://git@host/group/r.git'],
    ['git@host:/abs/r.git', 'ssh://git@host/abs/r.git'],
    ['host:r', 'ssh://host/r'],
    ['git@host:~user/r', 'ssh://git@host/~user/r'],
    ['git@[::1]:path', 'ssh://git@[::1]/path'],
    ['[::1]:path', 'ssh://[::1]/path'],
    ['git@host:a%20b', 'ssh://git@host/a%2520b'],
    ['git@host:a#b?c', 'ssh://git@host/a%23b%3Fc'],
    ['host://r', undefined],
    ['./host:r', undefined],
    ['/srv/r:x', undefined],
    ['host', undefined],
    ['user:password@host:r', undefined],
  ])('%s has the ssh:// form %s', (text, form) => {
    expect(sshFormOfScp(text)).toBe(form);
    // The form that is recommended is one that is taken.
    if (form !== undefined) expect(parsed(form).href).toMatch(/^ssh:\/\//);
  });

  it.each([
    ['git@host:group/r', 'ssh://git@host/group/r'],
    ['git@[::1]:/r', 'ssh://git@[::1]/r'],
    ['host:group/r.git', 'ssh://host/group/r.git'],
    ['git@host:a%20b', 'ssh://git@host/a%2520b'],
    ['s3cret@host:group/r', undefined],
    ['me:s3cret', undefined],
    ['host:s3cret/s3cret', undefined],
    ['git@host:r?token=s3cret', undefined],
    ['https:/host/r?token=s3cret', undefined],
  ])('%s is refused, with the form %s to use instead', async (text, form) => {
    const refusal = await settled(() => parseRepositoryUrl(text, 'TARGET'));
    expect(refusal).toMatchObject({ code: 'scp_style_url', message: expect.stringContaining(form ?? 'TARGET') });
    if (form === undefined) expect('message' in refusal && refusal.message).not.toContain('s3cret');
  });
});

describe('two URLs', () => {
  it.each([
    ['https://host/r', 'https://host/r.git', true],
    ['https://host/r', 'https://HOST/r/', true],
    ['https://host/r', 'https://host:443/r', true],
    ['https://host/r', 'https://user:x@host/r', true],
    ['https://host/r', 'http://host/r', true],
    ['https://host/g/r', 'ssh://git@host:22/g/r.git', true],
    ['https://host./r', 'https://host/r', true],
    ['https://host/g//r', 'https://host/g/r', true],
    ['https://host/r', 'https://host/R', false],
    ['https://host/r', 'https://host/s', false],
    ['https://host/r', 'https://other/r', false],
    ['https://host:8443/r', 'https://host/r', false],
    ['https://host:8443/r', 'https://host:8444/r', false],
    ['https://host/r.git', 'https://host/r.git.git', false],
  ])('%s and %s name the same repository: %s', (a, b, same) => {
    const [one, other] = [parseRepositoryUrl(a, 'SOURCE').url, parseRepositoryUrl(b, 'TARGET').url];
    expect([isSameRepository(one, other), isSameRepository(other, one)]).toEqual([same, same]);
  });
});
