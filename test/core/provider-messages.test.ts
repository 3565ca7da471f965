import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { refineHint } from '../../lib/core/provider-messages.ts';

describe('what a host says', () => {
  it.each([
    ['remote: error: GH007: Your push would publish a private email address.', /e-mail/],
    ['error: RPC failed; HTTP/2 stream was reset: RST_STREAM', /e-mail/],
    [
      'refusing to allow an OAuth App to create or update workflow `.github/workflows/x.yml` without `workflow` scope',
      /Workflows permission/,
    ],
    ['remote: error: GH001: Large files detected.', /Git LFS/],
    ["remote: error: File big.bin is 123.00 MB; this exceeds GitHub's file size limit of 100.00 MB", /Git LFS/],
    ['remote: GitLab: LFS objects are missing. Ensure LFS is properly set up', /LFS/],
    ["fatal: could not read Username for 'https://bitbucket.org'", /OWNER@bitbucket\.org/],
    ['The server only allows public key authentication', /SSH key/],
    ['remote: HTTP Basic: Access denied. The token has expired.', /expired/],
    ['Support for password authentication was removed on August 13, 2021.', /oauth2/],
    ['Access denied: you must use a personal access token: 2FA is enabled', /oauth2/],
    ["fatal: unable to access 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x/'", /HTTPS Git credentials/],
    ['GitLab: You are not allowed to push code to protected branches on this project.', /protects this branch/],
    ['remote: error: GH006: Protected branch update failed for refs/heads/main.', /protects this branch/],
    ['invalid username: me%40example.org', /%40/],
  ])('%j refines the hint', (words, hint) => {
    expect(refineHint(words)).toMatch(hint);
    expect(new GitferryError('remote_error', { detail: words }).hint).toMatch(hint);
  });

  it.each(['', 'non-fast-forward', 'pre-receive hook declined', 'refs/heads/feature/2fast', 'failed to update ref'])(
    '%j says nothing special',
    (words) => {
      expect(refineHint(words)).toBeUndefined();
    },
  );

  it('never changes the code, and a hint that is given stays', () => {
    const error = new GitferryError('remote_error', { detail: 'GH007', hint: 'mine' });
    expect([error.code, error.hint]).toEqual(['remote_error', 'mine']);
  });
});
