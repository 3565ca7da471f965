import { describe, expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.ts';
import { batchRedirect, downloadRedirect } from '../../lib/lfs/lfs-redirect.ts';

const from = new URL('https://lfs.example.org/app/objects/batch');
const refused = expect.objectContaining({ code: 'redirect_refused' });

describe('a redirect of an LFS server', () => {
  it.each<[string, string, string | undefined, string | undefined]>([
    ['elsewhere on its host', '/new?x=1', 'https://lfs.example.org/new?x=1', 'https://lfs.example.org/new?x=1'],
    ['to another host', 'https://cdn.example.org/o', undefined, 'https://cdn.example.org/o'],
    ['to another port', 'https://lfs.example.org:8443/o', undefined, 'https://lfs.example.org:8443/o'],
    ['with user info, which is dropped', 'https://ada:secret@lfs.example.org/o', 'https://lfs.example.org/o', 'https://lfs.example.org/o'],
    ['to http', 'http://lfs.example.org/o', undefined, undefined],
    ['to a file', 'file:///etc/passwd', undefined, undefined],
    ['to no address', 'https://[/', undefined, undefined],
  ])('%s', (_, location, batch, download) => {
    for (const [follow, to] of [
      [batchRedirect, batch],
      [downloadRedirect, download],
    ] as const) {
      if (to === undefined) expect(() => follow(from, location, 1)).toThrow(refused);
      else expect(follow(from, location, 1).href).toBe(to);
    }
  });

  it('is followed so many times, and no more', () => {
    expect(downloadRedirect(from, '/new', limits.redirects).pathname).toBe('/new');
    expect(() => downloadRedirect(from, '/new', limits.redirects + 1)).toThrow(refused);
  });
});
