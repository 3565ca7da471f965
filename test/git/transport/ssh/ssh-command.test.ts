import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRepositoryUrl } from '../../../../lib/git/transport/repository-url.ts';
import { sshCommand, sshPath, sshUserFault } from '../../../../lib/git/transport/ssh/ssh-command.ts';
import { settled } from '../../../support/byte-streams.ts';
import { git, temporaryFolder } from '../../../support/git.ts';

const run = promisify(execFile);

function commandFor(text: string): string {
  return sshCommand('git-upload-pack', parseRepositoryUrl(text, 'SOURCE').url);
}

describe('the command for a URL', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
    // In place of ssh: writes down what git would have the server run.
    await writeFile(join(folder.path, 'ssh'), '#!/bin/sh\nfor last; do :; done\nprintf %s "$last" > "$OUT"\nexit 1\n');
    await chmod(join(folder.path, 'ssh'), 0o755);
  });
  afterAll(() => folder.remove());

  async function gitsCommand(url: string): Promise<string> {
    const out = join(folder.path, 'out');
    await writeFile(out, '');
    const env = { GIT_SSH: join(folder.path, 'ssh'), GIT_SSH_VARIANT: 'ssh', OUT: out };
    await git(folder.path, ['ls-remote', url], { env }).catch(() => {});
    return readFile(out, 'utf8');
  }

  it.each([
    'ssh://git@host/group/r.git',
    'ssh://host:2222/r',
    'ssh://host/~user/r',
    'ssh://host/~/r',
    'ssh://host/%7Euser/r',
    "ssh://host/it's",
    'ssh://host/wow!',
    "ssh://host/'!'!",
    'ssh://host/a%20b',
    'ssh://host/a%2520b',
    'ssh://host/a%25',
    'ssh://host/$(x)`y`;&|<>"*?'.replace('?', '%3F'),
    'ssh://host/a%5Cb',
    'ssh://host/größe',
    'ssh://host/gr%C3%B6%C3%9Fe',
    'ssh://host/a+b',
    'ssh://host/a%2Bb@c:d',
    'ssh://[::1]:22/r',
    'ssh://host//double//r',
  ])("is git's own for %s", async (url) => expect(commandFor(url)).toBe(await gitsCommand(url)));

  it('brings any path through a shell unharmed', async () => {
    const paths = fc.array(
      fc.oneof(
        fc.constantFrom("'", '!', '"', '\\', '$', '`', ' ', '-', '~', '%'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }),
      ),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(paths, async (parts) => {
        const decoded = sshPath(`/${encodeURIComponent(parts.join(''))}`);
        fc.pre('path' in decoded);
        const command = sshCommand('git-upload-pack', { path: `/${encodeURIComponent(parts.join(''))}`, href: 'x' });
        const { stdout } = await run('/bin/sh', ['-c', command.replace(/^git-upload-pack/, 'printf %s')]);
        expect({ path: stdout }).toEqual(decoded);
      }),
      { numRuns: 60 },
    );
  });

  it('is refused by code for whatever could be an option or break the line', async () => {
    for (const path of ['/-x', '/%2dx', '/~-x', '/a%0ab', '/a%00', '/%ff', '', '/']) {
      expect(await settled(() => sshCommand('git-upload-pack', { path, href: 'ssh://host' }))).toMatchObject({ code: 'invalid_url' });
    }
  });
});

describe('a user name for SSH', () => {
  it.each([
    ['git', true],
    ['', true],
    ['APKAEIBAERJR2EXAMPLE', true],
    ['me@example.org', true],
    ['first.last+tag', true],
    ['größe', true],
    ['-oProxyCommand=x', false],
    ["a'b", false],
    ['a"b', false],
    ['a;b', false],
    ['$(x)', false],
    ['a\nb', false],
    ['a\0b', false],
    ['a\u001bb', false],
  ])('%j is taken: %s', (name, taken) => expect(sshUserFault(name) === undefined).toBe(taken));
});
