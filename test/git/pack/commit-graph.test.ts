import { describe, expect, it } from 'vitest';
import { readCommitGraphFromBytes } from '../../../lib/git/pack/commit-graph.ts';
import { codeOf } from '../../support/byte-streams.ts';
import { commitContent, copyingDelta, type MadeEntry, makePack, oidOf } from '../../support/made-pack.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

function graphOf(entries: readonly MadeEntry[]) {
  return readCommitGraphFromBytes(makePack(entries), entries.length, never);
}

const twoMiB = Buffer.alloc(2 * MiB);
const smallDeltaOfLarge: MadeEntry = { type: 'ofs-delta', base: 0, content: copyingDelta(twoMiB.length, 10, 1) };

/** A blob of 64 KB, and deltas each of which has its base sixteen times. */
function bombOfDeltas(steps: number): readonly MadeEntry[] {
  const entries: MadeEntry[] = [{ type: 'blob', content: Buffer.alloc(65_000) }];
  let bytes = 65_000;
  for (let step = 0; step < steps; step++) {
    // A copy instruction takes at most 64 KB here: larger bases are copied by their beginning.
    const times = step === 0 && steps === 1 ? 5000 : 64 * 16 ** step;
    entries.push({ type: 'ofs-delta', base: step, content: copyingDelta(bytes, 65_000, times) });
    bytes = 65_000 * times;
  }
  return entries;
}

const root = commitContent([]);
const child = commitContent([oidOf('commit', root)]);

describe('the commits of a pack', () => {
  it('are read with their parents', async () => {
    const graph = await graphOf([
      { type: 'commit', content: root },
      { type: 'commit', content: child },
    ]);
    expect(Object.fromEntries(graph)).toEqual({ [oidOf('commit', root)]: [], [oidOf('commit', child)]: [oidOf('commit', root)] });
  });

  it.each<[string, readonly MadeEntry[]]>([
    ['one object that inflates a thousandfold', [{ type: 'blob', content: Buffer.alloc(64 * MiB) }]],
    ['many objects that do so together', Array.from({ length: 200 }, () => ({ type: 'blob' as const, content: twoMiB }))],
    ['a delta that copies its base again and again', bombOfDeltas(1)],
    ['deltas of deltas, each sixteen times its base', bombOfDeltas(4)],
    [
      'thousands of deltas of one large object',
      [{ type: 'blob', content: twoMiB }, ...Array.from({ length: 3000 }, () => smallDeltaOfLarge)],
    ],
  ])('are not read out of %s', async (_, entries) => {
    const before = process.memoryUsage().rss;
    expect(await codeOf(graphOf(entries))).toBe('history_too_large');
    expect((process.memoryUsage().rss - before) / MiB).toBeLessThan(200);
  });

  it.each<[string, Buffer]>([
    ['whose object is longer than it says', makePack([{ type: 'commit', content: root, statedBytes: root.length - 1 }])],
    ['whose object is shorter than it says', makePack([{ type: 'commit', content: root, statedBytes: root.length + 1 }])],
    ['whose delta has its base elsewhere', makePack([{ type: 'ref-delta', content: copyingDelta(10, 5, 2), baseName: 'a'.repeat(40) }])],
    [
      'whose delta copies from beyond its base',
      makePack([
        { type: 'commit', content: root },
        { type: 'ofs-delta', base: 0, content: copyingDelta(root.length, root.length + 1, 1) },
      ]),
    ],
    ['that is cut', makePack([{ type: 'commit', content: root }]).subarray(0, 40)],
  ])('are not half read out of a pack %s', async (_, pack) => {
    expect(await codeOf(readCommitGraphFromBytes(pack, pack.readUInt32BE(8), never))).toBe('pack_corrupt');
  });

  it('ends where the run does', async () => {
    const ended = new AbortController();
    ended.abort(new Error('over'));
    await expect(readCommitGraphFromBytes(makePack([{ type: 'commit', content: root }]), 1, ended.signal)).rejects.toThrow('over');
  });
});
