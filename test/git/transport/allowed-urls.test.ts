import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowed, parseAllowedUrl } from '../../../lib/git/transport/allowed-urls.ts';

describe('a place where a credential may be used', () => {
  it.each([
    ['https://github.com', 'https://github.com/'],
    ['https://GitHub.com/acme', 'https://github.com/acme/'],
    ['https://github.com/acme/', 'https://github.com/acme/'],
    ['https://git.example.org:8443/a/b/', 'https://git.example.org:8443/a/b/'],
    ['https://git.example.org/a/../b', 'https://git.example.org/b/'],
    ['ssh://git.example.org/', 'ssh://git.example.org/'],
    ['ssh://git.example.org', 'ssh://git.example.org/'],
    ['ssh://git.example.org:2222/group/', 'ssh://git.example.org:2222/group/'],
  ])('%s is kept as %s', (typed, kept) => expect(parseAllowedUrl(typed, 'allowed_urls')).toBe(kept));

  it.each([
    'https://me:hunter22@github.com/',
    'https://github.com/a%2fb',
    'https://github.com/a//b',
    'https://github.com/%252e%252e/b',
    'https://github.com/?x=hunter22',
    'git@github.com:hunter22',
    'github.com/acme',
    '*',
  ])('%s is refused, and not repeated', (typed) => {
    expect(() => parseAllowedUrl(typed, 'allowed_urls')).toThrow(expect.objectContaining({ disposition: 'park' }));
    try {
      parseAllowedUrl(typed, 'allowed_urls');
    } catch (error) {
      if (!typed.startsWith('git@')) expect(String(error)).not.toContain('hunter22');
    }
  });
});

describe('a URL', () => {
  it.each([
    ['https://github.com/acme/app.git', 'https://github.com/acme/', true],
    ['https://GITHUB.com./acme/app', 'https://github.com/acme/', true],
    ['https://github.com:443/acme/app', 'https://github.com/acme/', true],
    ['https://github.com/acme', 'https://github.com/acme/', true],
    ['https://github.com/%61cme/app', 'https://github.com/acme/', true],
    ['https://github.com/acme/app.git', 'https://github.com/acme/app/', true],
    ['https://github.com/acme/app', 'https://github.com/acme/app.git/', true],
    ['https://github.com/acme/app.git/info/lfs/objects/batch', 'https://github.com/acme/app/', true],
    ['ssh://git.example.org:22/r', 'ssh://git.example.org/', true],
    ['https://h.example.org/r', 'http://h.example.org/', true],
    ['https://h.example.org:8080/r', 'http://h.example.org:8080/', true],
    ['https://github.com/acme-evil/app', 'https://github.com/acme/', false],
    ['https://github.com/Acme/app', 'https://github.com/acme/', false],
    ['https://github.com/acme/../evil/app', 'https://github.com/acme/', false],
    ['https://github.com/acme/%2e%2e/evil/app', 'https://github.com/acme/', false],
    ['https://github.com/acme%2f..%2fevil/app', 'https://github.com/acme/', false],
    ['https://github.com/acme/..%2fevil/app', 'https://github.com/acme/', false],
    ['https://github.com/acme/%252e%252e/evil/app', 'https://github.com/acme/', false],
    ['https://github.com/acme/..%5cevil', 'https://github.com/acme/', false],
    ['https://github.com//acme/app', 'https://github.com/acme/', false],
    ['https://github.com/', 'https://github.com/acme/', false],
    ['https://github.com.evil.org/acme/app', 'https://github.com/acme/', false],
    ['https://evil.org/github.com/acme', 'https://github.com/acme/', false],
    ['https://github.com:8443/acme/app', 'https://github.com/acme/', false],
    ['http://github.com/acme/app', 'https://github.com/acme/', false],
    ['https://h.example.org:9999/r', 'http://h.example.org:8080/', false],
    ['ssh://github.com/acme/app', 'https://github.com/acme/', false],
    ['ssh://git.example.org/acme/%2e%2e/evil', 'ssh://git.example.org/acme/', false],
    ['ssh://git.example.org:2222/r', 'ssh://git.example.org/', false],
    ['https://github.com/acme/app.gitx', 'https://github.com/acme/app/', false],
  ])('%s is below %s: %s', (url, prefix, expected) => expect(isAllowed(url, ['https://elsewhere.example.org/', prefix])).toBe(expected));

  it('is below nothing where nothing is allowed', () => expect(isAllowed('https://github.com/acme/app', [])).toBe(false));

  it('below a folder always begins with its parts, whatever it is made of', () => {
    const part = fc.constantFrom('acme', 'acme-evil', '..', '.', '%2e%2e', '%2E.', '%2f', '..%2f', '%5c', '', 'evil', 'acme%2f', '%252e');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const url = `https://github.com/${parts.join('/')}`;
        if (!isAllowed(url, ['https://github.com/acme/'])) return;
        // As a server might read it that decodes as often as it can, and resolves the rest then.
        let path = new URL(url).pathname;
        for (let times = 0; times < 4; times++) path = new URL(`https://github.com${decodeURIComponent(path)}`).pathname;
        expect(path.split('/')[1]).toBe('acme');
      }),
      { numRuns: 5_000, seed: 16 },
    );
  });
});
