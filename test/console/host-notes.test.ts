import { describe, expect, it } from 'vitest';
import { hostNote } from '../../lib/console/host-notes.ts';

describe('hostNote', () => {
  it.each([
    ['https://bitbucket.org/account/repo.git', /x-bitbucket-api-token-auth/],
    ['https://github.com/a/b.git', /Workflows/],
    ['ssh://git@github.com/a/b.git', /deploy key/],
    ['https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app', /HTTPS Git credentials/],
    ['ssh://KEY@git-codecommit.eu-west-1.amazonaws.com/v1/repos/app', /APKA/],
  ])('says what %s wants', (url, expected) => {
    expect(hostNote(url).notes.join()).toMatch(expected);
  });

  it.each(['ssh://git@bitbucket.org/account/repo.git', 'https://example.org/a.git', 'git@github.com:a/b', '', 'https://'])(
    'has no note on %s',
    (url) => {
      expect(hostNote(url).notes).toEqual([]);
    },
  );

  it.each(['github.com', 'gitlab.com', 'bitbucket.org', 'ssh.dev.azure.com', 'codeberg.org'])(
    'knows where %s publishes its fingerprints',
    (host) => {
      expect(hostNote(`ssh://git@${host}/a/b.git`).fingerprints?.url).toMatch(/^https:\/\//);
      expect(hostNote(`ssh://git@${host}.evil.example/a/b.git`).fingerprints).toBeUndefined();
    },
  );
});
