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
    ['refs/heads/main is protected', 'refs/heads/main is protected'],
    ['It takes 12:30 minutes', 'It takes 12:30 minutes'],
  ])('%j is %j', (words, shown) => {
    expect(hiderFor({ role: 'reporter' }, mirror, project)(words)).toBe(shown);
    expect(hiderFor({ role: 'maintainer' }, mirror, project)(words)).toBe(words);
  });
});
