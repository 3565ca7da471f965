import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, temporaryFolder } from '../support/git.ts';
import { type LfsScenario, lfsScenario, oidOf } from '../support/lfs-scenario.ts';
import { isAvailable } from '../support/programs.ts';
import { startSshd } from '../support/sshd.ts';
import { sync } from '../support/sync.ts';
import type { ChildServer } from './child-server.ts';
import { startJGitLfsServer } from './jgit-lfs-server.ts';

const run = promisify(execFile);

/** A clone by git-lfs's own rules: nothing of this machine's configuration, and no questions. */
async function withLfs(folder: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  const filter = ['clean=git-lfs clean -- %f', 'smudge=git-lfs smudge -- %f', 'process=git-lfs filter-process', 'required=true'];
  const options = filter.flatMap((setting) => ['-c', `filter.lfs.${setting}`]);
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', ...more };
  const { stdout } = await run(
    'git',
    [...options, '-c', 'lfs.locksverify=false', '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args],
    {
      cwd: folder,
      env,
    },
  );
  return stdout;
}

/** Pushes these files to a repository as git-lfs does. */
async function push(folder: string, url: string, files: Readonly<Record<string, Buffer>>, settings: readonly string[] = []): Promise<void> {
  const work = join(folder, `work-${Math.random().toString(36).slice(2)}`);
  await mkdir(work);
  await withLfs(work, ['init', '--quiet', '--initial-branch=main', '.']);
  await withLfs(work, ['lfs', 'install', '--local']);
  for (const setting of settings) await withLfs(work, ['config', ...(setting.split('=') as [string, string])]);
  await withLfs(work, ['lfs', 'track', '*.bin']);
  for (const [name, content] of Object.entries(files)) await writeFile(join(work, name), content);
  await withLfs(work, ['add', '.']);
  await withLfs(work, ['commit', '--quiet', '-m', 'large files']);
  await withLfs(work, ['push', '--quiet', url, 'main']);
}

/** Clones as git-lfs does, checks every object, and resolves with the folder. */
async function cloned(folder: string, url: string, settings: readonly string[] = []): Promise<string> {
  const clone = join(folder, `clone-${Math.random().toString(36).slice(2)}`);
  await withLfs(folder, ['clone', '--quiet', ...settings.flatMap((setting) => ['-c', setting]), url, clone]);
  expect(await withLfs(clone, ['lfs', 'fsck'])).toContain('Git LFS fsck OK');
  return clone;
}

const files = { 'a.bin': Buffer.alloc(2_000_000, 'a'), 'b.bin': Buffer.from('small'), 'empty.bin': Buffer.alloc(0) };

async function expectFiles(clone: string): Promise<void> {
  for (const [name, content] of Object.entries(files)) expect((await readFile(join(clone, name))).equals(content)).toBe(true);
}

describe.skipIf(!isAvailable('gitLfs'))('git-lfs', () => {
  it('pushes to the source and finds everything at the mirror, with credentials and links that need their header', async () => {
    const basic = { username: 'ada', password: 'hunter22' };
    const end = { lfs: { basic, verify: true, linkHeader: { 'X-Link': 'once' } }, git: { basic } };
    const { folder, source, target }: LfsScenario = await lfsScenario({ source: end, target: end });
    const [from, to] = [source, target].map(({ server }) => server.url('repo.git', 'ada:hunter22')) as [string, string];
    await push(folder, from, files);
    expect(await sync(from, to)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
    expect(target.lfs.log.filter(({ kind }) => kind === 'verify')).toHaveLength(2);
    await expectFiles(await cloned(folder, to));
  });

  it('pushes a second file, loses it, and pushes it again: asked for alone, named as missing, and then found', async () => {
    const { folder, source, target, sync: run } = await lfsScenario();
    const work = join(folder, 'work');
    await mkdir(work);
    for (const args of [
      ['init', '--quiet', '--initial-branch=main', '.'],
      ['lfs', 'install', '--local'],
      ['lfs', 'track', '*.bin'],
    ])
      await withLfs(work, args);
    const pushFile = async (name: string, content: Buffer): Promise<void> => {
      await writeFile(join(work, name), content);
      await withLfs(work, ['add', '.']);
      await withLfs(work, ['commit', '--quiet', '-m', name]);
      await withLfs(work, ['push', '--quiet', source.url, 'main']);
    };
    await pushFile('first.bin', Buffer.from('the first'));
    expect(await run()).toMatchObject({ outcome: 'success', lfs: { moved: 1 } });

    const second = Buffer.from('the second');
    await pushFile('second.bin', second);
    const lost = join(folder, 'source-objects', oidOf(second));
    await rm(lost);
    for (const { lfs } of [source, target]) lfs.log.length = 0;
    expect(await run()).toMatchObject({
      outcome: 'partial',
      error: { code: 'lfs_object_missing' },
      counts: { updated: 1 },
      lfs: { scan: 'new', moved: 0, failures: [{ oid: oidOf(second), path: 'second.bin' }] },
    });
    const asked = [...source.lfs.log, ...target.lfs.log].filter(({ kind }) => kind === 'batch').map(({ oids }) => oids);
    expect(asked).toEqual([[oidOf(second)], [oidOf(second)]]);

    // What the hint says.
    await withLfs(work, ['lfs', 'push', '--object-id', source.url, oidOf(second)]);
    expect(await run('--lfs', 'on')).toMatchObject({ outcome: 'success', lfs: { scan: 'everything', moved: 1, skipped: 1 } });
    const clone = await cloned(folder, target.url);
    expect((await readFile(join(clone, 'second.bin'))).equals(second)).toBe(true);
  });

  describe.skipIf(!isAvailable('jgit'))('and the LFS server of JGit', () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let jgit: ChildServer;

    beforeAll(async () => {
      folder = await temporaryFolder();
      jgit = await startJGitLfsServer(join(folder.path, 'objects'));
    });
    afterAll(async () => {
      await jgit?.close();
      await folder.remove();
    });

    it('as the target, then as the source', async () => {
      const first = await lfsScenario();
      await push(first.folder, first.source.url, files);
      const lfsUrl = jgit.url('lfs');
      expect(await first.sync('--target-lfs-url', lfsUrl)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
      await expectFiles(await cloned(first.folder, first.target.url, [`lfs.url=${lfsUrl}`]));

      const second = await lfsScenario();
      await git(first.source.path, ['push', '--quiet', second.source.path, 'main']);
      expect(await second.sync('--source-lfs-url', lfsUrl)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
      await expectFiles(await cloned(second.folder, second.target.url));
      // Nothing is moved twice.
      expect(await second.sync('--source-lfs-url', lfsUrl, '--lfs', 'on')).toMatchObject({ lfs: { moved: 0, skipped: 2 } });
    });
  });

  it.skipIf(!isAvailable('sshd'))('signs in over SSH at both ends', async () => {
    const linkHeader = { 'X-Link': 'once' };
    const ends = { basic: { username: 'lfs', password: 'from-ssh' }, linkHeader };
    const { folder, source, target } = await lfsScenario({ source: { lfs: ends }, target: { lfs: ends } });
    const authenticate = join(folder, 'shell');
    const header = `Basic ${Buffer.from('lfs:from-ssh').toString('base64')}`;
    const answer = (url: string) => JSON.stringify({ href: `${url}/info/lfs`, header: { Authorization: header }, expires_in: 600 });
    await writeFile(
      authenticate,
      `#!/bin/sh
echo "$SSH_ORIGINAL_COMMAND" >> '${folder}/commands'
case "$SSH_ORIGINAL_COMMAND" in
  git-lfs-authenticate*source*) echo '${answer(source.url)}' ;;
  git-lfs-authenticate*) echo '${answer(target.url)}' ;;
  *) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac
`,
      { mode: 0o755 },
    );
    const sshd = await startSshd({ config: [`ForceCommand ${authenticate}`] });
    try {
      const known = join(folder, 'known_hosts');
      await writeFile(known, `${sshd.hostKeys.join('\n')}\n`);
      const GIT_SSH_COMMAND = `ssh -F /dev/null -i ${sshd.privateKeyFile} -o IdentitiesOnly=yes -o UserKnownHostsFile=${known}`;
      const [from, to] = [source, target].map(({ path }) => sshd.url(path).replace('://', `://${sshd.user}@`)) as [string, string];
      const work = join(folder, 'ssh-work');
      await mkdir(work);
      await withLfs(work, ['init', '--quiet', '--initial-branch=main', '.']);
      await withLfs(work, ['lfs', 'install', '--local']);
      await withLfs(work, ['lfs', 'track', '*.bin']);
      for (const [name, content] of Object.entries(files)) await writeFile(join(work, name), content);
      await withLfs(work, ['add', '.']);
      await withLfs(work, ['commit', '--quiet', '-m', 'large files']);
      await withLfs(work, ['push', '--quiet', from, 'main'], { GIT_SSH_COMMAND });
      await writeFile(join(folder, 'commands'), '');

      const keys = ['--known-hosts', known, '--source-ssh-key', sshd.privateKeyFile, '--target-ssh-key', sshd.privateKeyFile];
      expect(await sync(from, to, keys)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
      const asked = (await readFile(join(folder, 'commands'), 'utf8')).split('\n').filter((line) => line.startsWith('git-lfs'));
      expect(asked.map((line) => line.split(' ').at(-1)).sort()).toEqual(['download', 'upload']);

      const clone = join(folder, 'ssh-clone');
      await withLfs(folder, ['clone', '--quiet', to, clone], { GIT_SSH_COMMAND });
      expect(await withLfs(clone, ['lfs', 'fsck'])).toContain('Git LFS fsck OK');
      await expectFiles(clone);
    } finally {
      await sshd.close();
    }
  });
});
