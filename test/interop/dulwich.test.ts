import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { isAvailable } from '../support/programs.ts';
import { refsWith } from '../support/sync.ts';
import type { ChildServer } from './child-server.ts';
import { startDulwichServer } from './dulwich-server.ts';
import { itMirrors, makePair } from './mirroring-suite.ts';

describe.skipIf(!isAvailable('dulwich'))('dulwich', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let dulwich: ChildServer;
  let cGit: GitHttpServer;

  beforeAll(async () => {
    folder = await temporaryFolder();
    [dulwich, cGit] = await Promise.all([startDulwichServer(folder.path), startGitHttpServer({ root: folder.path })]);
  });
  afterAll(async () => {
    await Promise.all([dulwich?.close(), cGit?.close()]);
    await folder.remove();
  });

  describe('as the source', () =>
    itMirrors(() => ({ root: folder.path, sourceUrl: dulwich.url, targetUrl: cGit.url }), { sendsThinPacks: false }));
  it('as the source: deletes a tag of a commit that no branch names, which dulwich sends nobody alone', async () => {
    const ends = { root: folder.path, sourceUrl: dulwich.url, targetUrl: cGit.url };
    const pair = await makePair(ends, { refs: { 'refs/heads/main': 'd' } }, { refs: { 'refs/heads/main': 'd', 'refs/tags/gone': 'b' } });
    expect(refsWith(await pair.sync(), 'deleted')).toEqual(['refs/tags/gone']);
    expect(await pair.targetRefs()).toEqual({ 'refs/heads/main': 'd' });
  });

  // Compare-and-swap is not asserted here: dulwich reports `ok` for one that did not happen.
  describe('as the target', () => {
    itMirrors(() => ({ root: folder.path, sourceUrl: cGit.url, targetUrl: dulwich.url }));
  });
});
