import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkUrl } from '../../lib/console/url-check.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';

const guard = createAddressGuard([]);

describe('a URL while it is typed', () => {
  it.each([
    ['', 'empty'],
    ['https://h.example/a.git', 'good'],
    ['ssh://git@h.example/a.git', 'good'],
    ['https://127.0.0.1/a', 'bad'],
    ['https://[::ffff:10.0.0.1]/a', 'bad'],
    ['file:///etc/passwd', 'bad'],
    ['git@h.example:a', 'bad'],
    ['https://', 'bad'],
    ['https://h.example/a?x', 'bad'],
  ])('%j is %s', (typed, state) => {
    expect(checkUrl(typed, guard).state).toBe(state);
  });

  it.each([
    ['https://bitbucket.org/team/repo.git', /x-token-auth/],
    ['https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x', /HTTPS Git credentials/],
    ['https://github.com/a/b.git', /personal access token/],
  ])('%s brings what its host wants', (typed, words) => {
    expect(checkUrl(typed, guard).note?.notes.join(' ')).toMatch(words);
  });

  it('is never an exception, and a password is never repeated', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.domain().map((host) => `https://${host}/a`),
        ),
        (typed) => {
          const { message, hint = '' } = checkUrl(typed.replace('://', '://me:hunter-2-secret@'), guard);
          expect(`${message}${hint}`).not.toContain('hunter-2-secret');
        },
      ),
    );
  });
});
