import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shownUrl, shownUrls } from '../../lib/console/shown-url.ts';

it.each([
  ['https://h.example/a', 'https://h.example/a'],
  ['https://h.example/a b', 'https://h.example/a b'],
  ['h.example/a', 'h.example/a'],
  ['git://h.example/a', 'git://h.example/a'],
  ['git@h.example:a', 'git@h.example:a'],
  ['h.example:group/a.git', 'h.example:group/a.git'],
  ['ssh://git@h.example/a', 'ssh://git@h.example/a'],
  ['https://*****:*****@h.example/a', 'https://*****:*****@h.example/a'],
  ['https://*****@h.example/a', 'https://*****@h.example/a'],
  ['https://me:s3cret@h.example/a', 'https://h.example/a'],
  ['https://t0ken@h.example/a', 'https://h.example/a'],
  ['t0ken@h.example:a', ''],
  ['me:s3cret', ''],
  ['me:s3cret@h.example/a', ''],
  ['s3cret', ''],
  ['https://h.example/a?private_token=s3cret', ''],
  ['git@h.example:a?private_token=s3cret', ''],
])('%j is put into a page as %j', (typed, shown) => expect(shownUrl(typed)).toBe(shown));

it('Of a list each line is looked at by itself', () => {
  expect(shownUrls('https://h.example/a\nme:s3cret@h.example/a\r\nhttps://h.example/b')).toBe('https://h.example/a\n\nhttps://h.example/b');
});

it('What stands between : and @ is never shown, readable or not', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('https://', 'ssh://', 'http://', 'ftp://', ''),
      // After a slash it is a path, and no user info.
      fc.string().filter((noise) => !/[/?#\\]/.test(noise)),
      fc.string(),
      (scheme, noise, path) => {
        expect(shownUrl(`${scheme}me${noise}:hunter-2-secret@host.example/${path}`)).not.toContain('hunter-2-secret');
      },
    ),
  );
});
