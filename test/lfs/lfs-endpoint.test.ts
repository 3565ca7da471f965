import { expect, it } from 'vitest';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { usualLfsUrl } from '../../lib/lfs/lfs-endpoint.ts';

it.each([
  ['https://example.org/group/app', 'https://example.org/group/app.git/info/lfs'],
  ['https://example.org/group/app.git', 'https://example.org/group/app.git/info/lfs'],
  ['http://example.org:8080/app', 'http://example.org:8080/app.git/info/lfs'],
  ['ssh://git@example.org/group/app', 'https://example.org/group/app.git/info/lfs'],
  ['ssh://git@example.org:2222/app.git', 'https://example.org/app.git/info/lfs'],
  ['ssh://git@[2001:db8::1]:22/app', 'https://[2001:db8::1]/app.git/info/lfs'],
  ['ssh://git@example.org/~ada/app', 'https://example.org/app.git/info/lfs'],
])('The LFS server of %s is at %s, as git-lfs has it', (url, expected) => {
  expect(usualLfsUrl(parseRepositoryUrl(url, 'url').url).href).toBe(expected);
});
