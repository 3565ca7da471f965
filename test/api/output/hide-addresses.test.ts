import { describe, expect, it } from 'vitest';
import { hiderFor } from '../../../lib/api/output/hide-addresses.ts';

const mirror = { url: 'https://git.example.org:8443/acme/app%20one.git', lfsUrl: 'https://lfs.example.net/store/x' };
const project = { repositoryUrl: 'ssh://forge.example.com/group/app.git' };

describe('what a reporter reads', () => {
  it.each([
    ['No entry at https://git.example.org:8443/acme/app%20one.git.', 'No entry at [url]'],
    ['git.example.org:8443: reset', '[host]: reset'],
    ['GIT.EXAMPLE.ORG did not answer', '[host] did not answer'],
    ["repository '/acme/app one.git' not found", "repository '[path]' not found"],
    ['acme/app%20one is archived', '[path] is archived'],
    ['ssh://forge.example.com/group/app.git: the command ended', '[url] the command ended'],
    ['forge.example.com:22: refused', '[host]:22: refused'],
    ['group/app: no access', '[path]: no access'],
    ["The target's LFS server (lfs.example.net) answered 500.", "The target's LFS server ([host]) answered 500."],
    ['redirected to https://third.example.org/x?y', 'redirected to [url]'],
    ['connect ECONNREFUSED 10.1.2.3:443', 'connect ECONNREFUSED [address]'],
    ['git://git.example.org/acme/app%20one is read-only', '[url] is read-only'],
    ['{"url":"https:\\/\\/git.example.org:8443\\/acme\\/app%20one"}', '{"url":"[url]"}'],
    ['no such project: group\\/app', 'no such project: [path]'],
    ['GET /api/v4/projects/group%2Fapp: 404', 'GET [path][path]: 404'],
    ['İ GROUP/APP', 'İ [path]'],
    ['cannot write /var/opt/git-data/@hashed/ab/x.git/objects', 'cannot write [path]'],
    ['getaddrinfo ENOTFOUND storage.inside.example', 'getaddrinfo ENOTFOUND [host]'],
    ['the redirect leads to another host (elsewhere.inside.example).', 'the redirect leads to another host ([host]).'],
    ['git.example.org redirects batch requests to another host (inside:8080)', '[host] redirects batch requests to another host ([host])'],
    ['more than 5 redirects at storage.inside.example.', 'more than 5 redirects at [host]'],
    ['inside is at 10.1.2.3, which is not allowed', '[host] is at [address], which is not allowed'],
    ['storage.inside.example does not speak HTTP: reset', '[host] does not speak HTTP: reset'],
    ['storage.inside.example has no address', '[host] has no address'],
    ['Storage.inside.example:9000: reset', '[host]:9000: reset'],
    ['storage.inside.example: certificate has expired', '[host]: certificate has expired'],
    ['refs/heads/release.next: hook declined', 'refs/heads/release.next: hook declined'],
    ['File big.bin is 123 MB', 'File big.bin is 123 MB'],
    ['refs/heads/main is protected', 'refs/heads/main is protected'],
    ['It takes 12:30 minutes', 'It takes 12:30 minutes'],
  ])('%j is %j', (words, shown) => {
    expect(hiderFor({ role: 'reporter' }, mirror, project)(words)).toBe(shown);
    expect(hiderFor({ role: 'maintainer' }, mirror, project)(words)).toBe(words);
  });
});
