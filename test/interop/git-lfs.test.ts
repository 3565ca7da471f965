import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, temporaryFolder } from '../support/git.ts';
import { gitLfs } from '../support/git-lfs.ts';
import { type LfsScenario, lfsScenario, oidOf } from '../support/lfs-scenario.ts';
import { isAvailable } from '../support/programs.ts';
import { sync } from '../support/sync.ts';
import type { ChildServer } from './child-server.ts';
import { startJGitLfsServer } from './jgit-lfs-server.ts';

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
    const lfs = gitLfs(folder);
    await (await lfs.work(from)).push(files);
    expect(await sync(from, to)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
    expect(target.lfs.log.filter(({ kind }) => kind === 'verify')).toHaveLength(2);
    await expectFiles(await lfs.clone(to));
  });

  it('pushes a second file, loses it, and pushes it again: asked for alone, named as missing, and then found', async () => {
    const { folder, source, target, sync: run } = await lfsScenario();
    const work = await gitLfs(folder).work(source.url);
    await work.push({ 'first.bin': Buffer.from('the first') });
    expect(await run()).toMatchObject({ outcome: 'success', lfs: { moved: 1 } });

    const second = Buffer.from('the second');
    await work.push({ 'second.bin': second });
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
    await work.pushObject(oidOf(second));
    expect(await run('--lfs', 'on')).toMatchObject({ outcome: 'success', lfs: { scan: 'everything', moved: 1, skipped: 1 } });
    const clone = await gitLfs(folder).clone(target.url);
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
      const lfs = gitLfs(first.folder);
      await (await lfs.work(first.source.url)).push(files);
      const lfsUrl = jgit.url('lfs');
      expect(await first.sync('--target-lfs-url', lfsUrl)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
      await expectFiles(await lfs.clone(first.target.url, [`lfs.url=${lfsUrl}`]));

      const second = await lfsScenario();
      await git(first.source.path, ['push', '--quiet', second.source.path, 'main']);
      expect(await second.sync('--source-lfs-url', lfsUrl)).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
      await expectFiles(await gitLfs(second.folder).clone(second.target.url));
      // Nothing is moved twice.
      expect(await second.sync('--source-lfs-url', lfsUrl, '--lfs', 'on')).toMatchObject({ lfs: { moved: 0, skipped: 2 } });
    });
  });
});
