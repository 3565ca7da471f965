import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { isAvailable } from '../support/programs.ts';
import { refsWith } from '../support/sync.ts';
import type { ChildServer } from './child-server.ts';
import { startJGitServer } from './jgit-server.ts';
import { itMirrors, makePair, type Pair } from './mirroring-suite.ts';

describe.skipIf(!isAvailable('jgit'))('JGit', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let jgit: ChildServer;
  let cGit: GitHttpServer;

  beforeAll(async () => {
    folder = await temporaryFolder();
    [jgit, cGit] = await Promise.all([startJGitServer(folder.path), startGitHttpServer({ root: folder.path })]);
  });
  afterAll(async () => {
    await Promise.all([jgit?.close(), cGit?.close()]);
    await folder.remove();
  });

  describe('as the source', () => itMirrors(() => ({ root: folder.path, sourceUrl: jgit.url, targetUrl: cGit.url })));

  describe('as the target', () => {
    itMirrors(() => ({ root: folder.path, sourceUrl: cGit.url, targetUrl: jgit.url }));

    it('deletes a branch whose value no other ref has, and keeps one that might be symbolic: JGit cannot say which are', async () => {
      const ends = { root: folder.path, sourceUrl: cGit.url, targetUrl: jgit.url };
      const refs = { 'refs/heads/main': 'd', 'refs/heads/gone': 'b', 'refs/heads/same': 'd' };
      const pair = await makePair(ends, { refs: { 'refs/heads/main': 'd' } }, { refs });
      const outcome = await pair.sync();
      expect([refsWith(outcome, 'deleted'), refsWith(outcome, 'kept')]).toEqual([['refs/heads/gone'], ['refs/heads/same']]);
      expect(outcome.notes.map(({ code }) => code)).toEqual(['symbolic_refs_unknown']);
      expect(await pair.targetRefs()).toEqual({ 'refs/heads/main': 'd', 'refs/heads/same': 'd' });
    });

    describe('refuses to overwrite what somebody else wrote between listing and push', () => {
      let source: GitHttpServer;
      let pair: Pair;
      /** Values that somebody else gives the ref, one before each request to the source that follows the listing. */
      let meanwhile: { ref: string; values: string[] };

      beforeAll(async () => {
        source = await startGitHttpServer({
          root: folder.path,
          v0Only: true, // so that each POST comes after the listing
          async intercept({ isRpc }) {
            const value = isRpc ? meanwhile.values.shift() : undefined;
            if (value !== undefined) await git(pair.target, ['update-ref', meanwhile.ref, pair.store.oid(value)]);
            return false;
          },
        });
      });
      afterAll(() => source.close());

      it.each([
        {
          what: 'a creation',
          ref: 'refs/heads/fresh',
          old: undefined,
          wanted: 'd',
          options: ['--keep-divergent-refs'],
          result: 'diverged',
        },
        { what: 'an update', ref: 'refs/heads/work', old: 'b', wanted: 'd', options: ['--keep-divergent-refs'], result: 'diverged' },
        { what: 'a deletion', ref: 'refs/tags/gone', old: 'a', wanted: undefined, options: [], result: 'kept' },
      ] as const)('$what, which is seen and planned anew', async ({ ref, old, wanted, options, result }) => {
        pair = await makePair(
          { root: folder.path, sourceUrl: source.url, targetUrl: jgit.url },
          { refs: { 'refs/heads/main': 'd', 'refs/heads/bystander': 'side2', ...(wanted === undefined ? {} : { [ref]: wanted }) } },
          { refs: { 'refs/heads/main': 'b', 'refs/heads/unknown': 'foreign', ...(old === undefined ? {} : { [ref]: old }) } },
        );
        meanwhile = { ref, values: ['foreign'] };
        const outcome = await pair.sync(...options);
        expect(meanwhile.values).toEqual([]);
        expect(refsWith(outcome, result)).toContain(ref);
        expect(outcome.refs.find((moved) => moved.ref === ref)?.old).toBe(pair.store.oid('foreign'));
        // The others of the same push went through.
        expect(await pair.targetRefs()).toEqual({
          'refs/heads/main': 'd',
          'refs/heads/bystander': 'side2',
          'refs/heads/unknown': 'foreign',
          [ref]: 'foreign',
        });
      });

      it('and calls a ref raced that loses twice', async () => {
        pair = await makePair(
          { root: folder.path, sourceUrl: source.url, targetUrl: jgit.url },
          { refs: { 'refs/heads/main': 'd', 'refs/tags/v1': 'v1b' } },
          { refs: { 'refs/heads/main': 'd', 'refs/tags/v1': 'v1', 'refs/keep/foreign': 'foreign', 'refs/keep/side': 'side' } },
        );
        meanwhile = { ref: 'refs/tags/v1', values: ['foreign', 'side'] };
        expect(await pair.sync('--lfs', 'off')).toMatchObject({
          outcome: 'partial',
          error: { code: 'refs_raced' },
          counts: { raced: 1, forced: 0 },
        });
        expect(await refsOf(pair.target, ['refs/tags'])).toEqual({ 'refs/tags/v1': pair.store.oid('side') });
        expect(await pair.sync()).toMatchObject({ outcome: 'success', counts: { forced: 1 } });
        await git(pair.target, ['fsck', '--strict']);
      });
    });
  });
});
