/** What mirroring has to do whatever programs serve the two ends: one suite for every pair of Git servers. */
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.ts';
import { git, refsOf } from '../support/git.ts';
import { createObjectStore, type ObjectStore, type RepositorySpec } from '../support/repository.ts';
import { refsWith, sync } from '../support/sync.ts';

export interface Ends {
  /** Folder whose repositories both servers serve. */
  readonly root: string;
  /** URL of a repository by its path below `root`. */
  sourceUrl(path: string): string;
  targetUrl(path: string): string;
}

export interface SourceTraits {
  /** Whether it sends deltas against what the target has, not whole objects. */
  readonly sendsThinPacks: boolean;
}

export interface Pair {
  readonly source: string;
  readonly target: string;
  /** The object store that both were cut from. */
  readonly store: ObjectStore;
  /** Refs of the target by the names of their values. */
  targetRefs(): Promise<Record<string, string>>;
  sync(...options: string[]): ReturnType<typeof sync>;
}

/** main: a - b - c - d; side and foreign leave it at b, the eight old ones at a, each with a new one on it. */
const parents = {
  a: [],
  b: ['a'],
  c: ['b'],
  d: ['c'],
  side: ['b'],
  side2: ['side'],
  foreign: ['b'],
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`old${index}`, ['a']])),
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`new${index}`, [`old${index}`]])),
};
const objects = {
  v1: { type: 'tag', of: 'b' },
  v1b: { type: 'tag', of: 'c' },
  nested: { type: 'tag', of: 'v1' },
  tree: { type: 'tree' },
  blob: { type: 'blob' },
} as const;

/** Two repositories in a folder of their own. */
export async function makePair(ends: Ends, sourceSpec: RepositorySpec, targetSpec: RepositorySpec): Promise<Pair> {
  const folder = await mkdtemp(join(ends.root, 'pair-'));
  const store = await createObjectStore(folder, parents, objects);
  const source = await store.create(join(folder, 'source.git'), sourceSpec);
  const target = await store.create(join(folder, 'target.git'), targetSpec);
  for (const repository of [source, target]) await git(repository, ['config', 'http.receivepack', 'true']);
  return {
    source,
    target,
    store,
    targetRefs: async () => Object.fromEntries(Object.entries(await refsOf(target, ['refs/'])).map(([ref, oid]) => [ref, store.name(oid)])),
    sync: (...options) => sync(ends.sourceUrl(relative(ends.root, source)), ends.targetUrl(relative(ends.root, target)), options),
  };
}

/** Declares the tests. */
export function itMirrors(endsOf: () => Ends, { sendsThinPacks }: SourceTraits = { sendsThinPacks: true }): void {
  let ends: Ends;
  beforeEach(() => {
    ends = endsOf();
  });

  it('makes a first mirror with annotated and nested tags and tags of trees and blobs, and then has nothing to do', async () => {
    const refs = {
      'refs/heads/main': 'd',
      'refs/heads/group/side': 'side2',
      'refs/tags/v1': 'v1',
      'refs/tags/nested': 'nested',
      'refs/tags/tree': 'tree',
      'refs/tags/blob': 'blob',
    };
    const pair = await makePair(ends, { refs }, { refs: {} });
    const first = await pair.sync();
    expect(first).toMatchObject({ outcome: 'success', error: null, counts: { created: 6 } });
    expect(await pair.targetRefs()).toEqual(refs);
    await git(pair.target, ['fsck', '--strict']);
    expect(await pair.sync()).toMatchObject({ outcome: 'success', refs: [], bytes: 0 });
  });

  it('moves a large file, and then a small change to it', async () => {
    const pair = await makePair(ends, { refs: { 'refs/heads/main': 'd' } }, { refs: {} });
    const content = randomBytes(3_000_000).toString('base64');
    const commit = async (text: string): Promise<void> => {
      const blob = await git(pair.source, ['hash-object', '-w', '--stdin'], { input: text });
      const tree = await git(pair.source, ['mktree'], { input: `100644 blob ${blob}\tlarge.txt\n` });
      const oid = await git(pair.source, ['commit-tree', tree, '-p', 'refs/heads/main', '-m', 'large']);
      await git(pair.source, ['update-ref', 'refs/heads/main', oid]);
    };
    await commit(content);
    const first = await pair.sync();
    expect(first).toMatchObject({ outcome: 'success', error: null });
    // Longer than what goes in one piece: the request is chunked.
    expect(first.bytes).toBeGreaterThan(limits.bufferedRequestBytes);

    await commit(`${content}\none line more\n`);
    // Without a look at LFS pointers: dulwich has no filters, and would make its slow delta twice.
    const second = await pair.sync('--lfs', 'off');
    expect(second).toMatchObject({ outcome: 'success', error: null, counts: { updated: 1 } });
    if (sendsThinPacks) expect(second.bytes).toBeLessThan(100_000);
    expect(await refsOf(pair.target)).toEqual(await refsOf(pair.source));
    await git(pair.target, ['fsck', '--strict']);
  });

  it('updates, forces, creates and deletes what changed', async () => {
    const pair = await makePair(
      ends,
      {
        refs: {
          'refs/heads/main': 'd',
          'refs/heads/first': 'a',
          'refs/heads/rewritten': 'side2',
          'refs/heads/fresh': 'new1',
          'refs/tags/v1': 'v1b',
        },
      },
      { refs: { 'refs/heads/main': 'b', 'refs/heads/rewritten': 'foreign', 'refs/tags/v1': 'v1', 'refs/tags/gone': 'a' } },
    );
    const outcome = await pair.sync();
    expect(outcome).toMatchObject({ outcome: 'success', error: null });
    expect(refsWith(outcome, 'updated')).toEqual(['refs/heads/main']);
    expect(refsWith(outcome, 'forced').sort()).toEqual(['refs/heads/rewritten', 'refs/tags/v1']);
    expect(refsWith(outcome, 'created').sort()).toEqual(['refs/heads/first', 'refs/heads/fresh']);
    expect(refsWith(outcome, 'deleted')).toEqual(['refs/tags/gone']);
    expect(await pair.targetRefs()).toEqual({
      'refs/heads/main': 'd',
      'refs/heads/first': 'a',
      'refs/heads/rewritten': 'side2',
      'refs/heads/fresh': 'new1',
      'refs/tags/v1': 'v1b',
    });
    await git(pair.target, ['fsck', '--strict']);
  });

  it('keeps divergent refs and still fast-forwards what is contained in the source', async () => {
    const pair = await makePair(
      ends,
      { refs: { 'refs/heads/main': 'd', 'refs/heads/ahead': 'b', 'refs/heads/foreign': 'c', 'refs/tags/v1': 'v1b' } },
      { refs: { 'refs/heads/main': 'b', 'refs/heads/ahead': 'c', 'refs/heads/foreign': 'foreign', 'refs/tags/v1': 'v1' } },
    );
    const outcome = await pair.sync('--keep-divergent-refs');
    expect(outcome).toMatchObject({ outcome: 'partial', error: { code: 'refs_diverged' } });
    expect(refsWith(outcome, 'updated')).toEqual(['refs/heads/main']);
    expect(refsWith(outcome, 'diverged').sort()).toEqual(['refs/heads/ahead', 'refs/heads/foreign', 'refs/tags/v1']);
    expect(await pair.targetRefs()).toEqual({
      'refs/heads/main': 'd',
      'refs/heads/ahead': 'c',
      'refs/heads/foreign': 'foreign',
      'refs/tags/v1': 'v1',
    });
    await git(pair.target, ['fsck', '--strict']);
  });

  it('answers one history question alone, either way', async () => {
    const pair = await makePair(ends, { refs: { 'refs/heads/main': 'd' } }, { refs: { 'refs/heads/main': 'b' } });
    expect(await pair.sync('--keep-divergent-refs')).toMatchObject({ counts: { updated: 1, diverged: 0 } });
    await git(pair.source, ['update-ref', 'refs/heads/main', pair.store.oid('a')]);
    expect(await pair.sync('--keep-divergent-refs')).toMatchObject({ counts: { updated: 0, diverged: 1 } });
    expect(await pair.targetRefs()).toEqual({ 'refs/heads/main': 'd' });
  });

  it('answers many history questions at once', async () => {
    const branches = (value: (index: number) => string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`refs/heads/branch${index}`, value(index)]));
    // Every second branch goes forward, the others are behind the target.
    const pair = await makePair(
      ends,
      { refs: { 'refs/heads/main': 'd', ...branches((index) => (index % 2 === 0 ? `new${index}` : `old${index}`)) } },
      { refs: { 'refs/heads/main': 'd', ...branches((index) => (index % 2 === 0 ? `old${index}` : `new${index}`)) } },
    );
    const outcome = await pair.sync('--keep-divergent-refs');
    expect(outcome.counts).toMatchObject({ updated: 4, diverged: 4 });
    expect(await pair.targetRefs()).toEqual({ 'refs/heads/main': 'd', ...branches((index) => `new${index}`) });
    await git(pair.target, ['fsck', '--strict']);
  });

  it('pulls: fast-forwards, leaves the diverged default branch alone, deletes nothing', async () => {
    const pair = await makePair(
      ends,
      { refs: { 'refs/heads/main': 'side2', 'refs/heads/work': 'd' } },
      { refs: { 'refs/heads/main': 'c', 'refs/heads/work': 'b', 'refs/heads/own': 'b' } },
    );
    const outcome = await pair.sync('--direction', 'pull');
    expect(outcome).toMatchObject({ outcome: 'partial', error: { code: 'default_branch_diverged' } });
    expect(await pair.targetRefs()).toEqual({ 'refs/heads/main': 'c', 'refs/heads/work': 'd', 'refs/heads/own': 'b' });
  });
}
