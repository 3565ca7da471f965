import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../lib/core/limits.ts';
import { type CommitGraph, readCommitGraph, Walk } from '../../../lib/git/pack/commit-graph.ts';
import { openPack } from '../../../lib/git/pack/incoming-pack.ts';
import { codeOf, cut } from '../../support/byte-streams.ts';
import { commitContent, copyingDelta, insertingDelta, type MadeEntry, makePack, oidOf } from '../../support/made-pack.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

async function graphOf(pack: Buffer, most: Partial<typeof limits> = {}, signal = never): Promise<CommitGraph> {
  return readCommitGraph(await openPack(cut(pack), 'sha1'), { format: 'sha1', signal }, { ...limits, ...most });
}

const commit = (content: Buffer): MadeEntry => ({ type: 'commit', content });
const root = commitContent([]);
const child = commitContent([oidOf('commit', root)]);
const graphOfTwo = { [oidOf('commit', root)]: [], [oidOf('commit', child)]: [oidOf('commit', root)] };
const twoMiB = Buffer.alloc(2 * MiB);

describe('the commits of a pack', () => {
  it('are read with their parents, and nothing else is', async () => {
    const others: MadeEntry[] = [
      { type: 'tree', content: Buffer.alloc(0) },
      { type: 'blob', content: twoMiB },
    ];
    const graph = await graphOf(makePack([commit(child), ...others, commit(root)]));
    expect(Object.fromEntries(graph)).toEqual(graphOfTwo);
  });

  it.each([
    ['by distance', { base: 0, type: 'ofs-delta' }],
    ['by name', { baseName: oidOf('commit', root), type: 'ref-delta' }],
  ] as const)('are put together from deltas that name their base %s', async (_, delta) => {
    const other = Buffer.from(`${root.toString('latin1', 0, 100)}\nother`);
    const entries = [commit(root), { ...delta, content: insertingDelta(root.length, other.toString('latin1', 0, 120)) }];
    expect((await graphOf(makePack(entries))).size).toBe(2);
  });

  it.each<[string, (oid: string) => string]>([
    ['behind the author', (oid) => `author A <a@e> 1 +0000\nparent ${oid}\ncommitter A <a@e> 1 +0000\n\nx\n`],
    ['in the message', (oid) => `author A <a@e> 1 +0000\ncommitter A <a@e> 1 +0000\n\nparent ${oid}\n`],
    ['in capitals', (oid) => `parent ${oid.toUpperCase()}\nauthor A <a@e> 1 +0000\ncommitter A <a@e> 1 +0000\n\nx\n`],
    ['with a digit too many', (oid) => `parent ${oid}0\nauthor A <a@e> 1 +0000\ncommitter A <a@e> 1 +0000\n\nx\n`],
  ])('have no parent that stands %s', async (_, rest) => {
    const content = Buffer.from(`tree ${'4'.repeat(40)}\n${rest(oidOf('commit', root))}`);
    expect((await graphOf(makePack([commit(content)]))).get(oidOf('commit', content))).toEqual([]);
  });

  it('are missing where a delta has its base elsewhere, and the others are there', async () => {
    const strange: MadeEntry = { type: 'ref-delta', content: copyingDelta(10, 5, 2), baseName: 'a'.repeat(40) };
    expect(Object.fromEntries(await graphOf(makePack([strange, commit(root), commit(child)])))).toEqual(graphOfTwo);
  });

  it.each<[string, Buffer]>([
    ['whose object is longer than it says', makePack([{ ...commit(root), statedBytes: root.length - 1 }])],
    ['whose object is shorter than it says', makePack([{ ...commit(root), statedBytes: root.length + 1 }])],
    [
      'whose delta copies from beyond its base',
      makePack([commit(root), { type: 'ofs-delta', base: 0, content: copyingDelta(root.length, root.length + 1, 1) }]),
    ],
  ])('are not half read out of a pack %s', async (_, pack) => {
    expect(await codeOf(graphOf(pack))).toBe('pack_corrupt');
  });

  it('are not read out of a pack that is cut', async () => {
    expect(await codeOf(graphOf(makePack([commit(root)]).subarray(0, 40)))).toMatch(/^pack_/);
  });

  it.each<[string, Partial<typeof limits>, readonly MadeEntry[]]>([
    ['commits', { historyCommits: 1 } as object, [commit(root), commit(child)]],
    ['bytes', { historyBytes: 100 } as object, [commit(root), commit(child)]],
    ['bytes when inflated', { historyInflatedBytes: root.length + 1 } as object, [commit(root), commit(child)]],
  ])('are not read where there are too many %s', async (_, most, entries) => {
    expect(await codeOf(graphOf(makePack(entries), most))).toBe('history_too_large');
  });

  it.each<[string, readonly MadeEntry[]]>([
    ['one object that inflates a thousandfold', [commit(Buffer.alloc(64 * MiB))]],
    ['many objects that do so together', Array.from({ length: 200 }, () => commit(twoMiB))],
    [
      'deltas that copy their base again and again',
      [commit(Buffer.alloc(65_000)), { type: 'ofs-delta', base: 0, content: copyingDelta(65_000, 65_000, 5000) }],
    ],
    [
      'thousands of deltas of one large object',
      [
        commit(twoMiB),
        ...Array.from({ length: 3000 }, (): MadeEntry => ({ type: 'ofs-delta', base: 0, content: copyingDelta(twoMiB.length, 10, 1) })),
      ],
    ],
  ])('take no more memory for %s', async (_, entries) => {
    const before = process.memoryUsage().rss;
    await codeOf(graphOf(makePack(entries)));
    expect((process.memoryUsage().rss - before) / MiB).toBeLessThan(200);
  });

  it('end where the run does', async () => {
    const ended = new AbortController();
    ended.abort(new Error('over'));
    await expect(graphOf(makePack([commit(root)]), {}, ended.signal)).rejects.toThrow('over');
  });

  it('are named by SHA-256 where the repository is', async () => {
    const content = Buffer.from(`tree ${'4'.repeat(64)}\nparent ${'5'.repeat(64)}\n\nx\n`);
    const sha1 = makePack([commit(content)]);
    const body = sha1.subarray(0, -20);
    const pack = Buffer.concat([body, createHash('sha256').update(body).digest()]);
    const graph = await readCommitGraph(await openPack(cut(pack), 'sha256'), { format: 'sha256', signal: never });
    const oid = createHash('sha256').update(`commit ${content.length}\0`).update(content).digest('hex');
    expect(Object.fromEntries(graph)).toEqual({ [oid]: ['5'.repeat(64)] });
  });
});

describe('a walk', () => {
  const graph = new Map([
    ['d', ['c', 'x']],
    ['c', ['b']],
    ['x', ['a']],
  ]);

  it.each<[string, string, readonly string[], readonly string[]]>([
    ['meets what it begins with', 'd', ['d'], ['d']],
    ['meets parents that are not in the graph', 'd', ['b', 'a'], ['b', 'a']],
    ['meets nothing beside its way', 'c', ['x', 'a', 'b'], ['b']],
    ['meets nothing from a commit that is not in the graph', 'q', ['a'], []],
  ])('%s', (_, from, wanted, found) => {
    expect([...new Walk(graph, from, wanted).found].sort()).toEqual([...found].sort());
  });

  it('goes on as commits come, in whatever order', () => {
    const rows = [...graph].reverse();
    const growing = new Map<string, string[]>();
    const walk = new Walk(growing, 'd', ['a']);
    for (const [oid, parents] of rows) {
      expect(walk.isDone).toBe(false);
      growing.set(oid, parents);
      walk.continueAt(oid);
    }
    expect(walk.isDone).toBe(true);
  });
});
