import { afterAll, beforeAll, describe } from 'vitest';
import { temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { isAvailable } from '../support/programs.ts';
import type { ChildServer } from './child-server.ts';
import { startDulwichServer } from './dulwich-server.ts';
import { itMirrors } from './mirroring-suite.ts';

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
  // Compare-and-swap is not asserted here: dulwich reports `ok` for one that did not happen.
  describe('as the target', () => itMirrors(() => ({ root: folder.path, sourceUrl: cGit.url, targetUrl: dulwich.url })));
});
