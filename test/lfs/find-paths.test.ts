import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../lib/core/limits.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { findPaths, type PathLimits } from '../../lib/lfs/find-paths.ts';
import { commitTo } from '../support/commit-to.ts';
import { git, temporaryFolder } from '../support/git.ts';
import { transportTo } from '../support/http-transport.ts';
import { oidOf as lfsOidOf, pointerTo } from '../support/lfs-scenario.ts';
import { copyingDelta, type MadeEntry, makePack, oidOf } from '../support/made-pack.ts';
import { started } from '../support/scenario.ts';

const content = Buffer.from('a large file');
const object = { oid: lfsOidOf(content), size: content.length };
const named = (path: string): ReadonlyMap<string, string> => new Map([[object.oid, path]]);

/** A repository of these commits on main, or one that answers fetches like this; with the answers that it gave. */
async function sourceOf(
  commits: readonly Readonly<Record<string, string>>[],
  answer?: (response: ServerResponse) => void,
  config: readonly string[] = [],
) {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'repo.git');
  await mkdir(path);
  await git(path, ['init', '--quiet', '--bare', '--initial-branch=main']);
  const tips: string[] = [];
  for (const files of commits) tips.push(await commitTo(path, files));
  const answers: ServerResponse[] = [];
  const server = await started(folder.path, {
    config,
    intercept({ isRpc, request, response }) {
      if (!isRpc) return false;
      answers.push(response);
      if (answer === undefined) return false;
      request.resume();
      answer(response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }));
      return true;
    },
  });
  const source = await UploadPack.open(transportTo(server.url('repo.git')));
  return { source, tips, answers, server };
}

const find = ({ source, tips }: { source: UploadPack; tips: readonly string[] }, most: Partial<PathLimits> = {}) =>
  findPaths(source, tips.slice(-1), [object], { ...limits, ...most });

describe('the path of an LFS object', () => {
  it.each<[string, Record<string, string>[], ReadonlyMap<string, string>]>([
    ['is the first of several', [{ 'b.bin': pointerTo(content), 'c.bin': pointerTo(content) }], named('b.bin')],
    ['is one of the tip, and none of its history', [{ 'b.bin': pointerTo(content) }, { 'b.bin': 'no pointer' }], new Map()],
    ['is found in folders', [{ 'a/b/c/d.bin': pointerTo(content) }], named('a/b/c/d.bin')],
  ])('%s', async (_, commits, paths) => {
    expect(await find(await sourceOf(commits))).toEqual(paths);
  });

  it('is found without the contents of files', async () => {
    const made = await sourceOf([{ 'a.txt': randomBytes(200_000).toString('base64'), 'b.bin': pointerTo(content) }]);
    expect(await find(made)).toEqual(named('b.bin'));
    expect(made.server.log.at(-1)?.bytes).toBeLessThan(10_000);
  });

  it('is not asked for where the source does not filter, or there is nothing to look for', async () => {
    const files = [{ 'b.bin': pointerTo(content) }];
    const unfiltered = await sourceOf(files, undefined, ['uploadpack.allowFilter=false']);
    const filtered = await sourceOf(files);
    expect([
      await find(unfiltered),
      await findPaths(filtered.source, [], [object]),
      await findPaths(filtered.source, filtered.tips, []),
    ]).toEqual(Array(3).fill(new Map()));
    expect([...unfiltered.answers, ...filtered.answers]).toEqual([]);
  });
});

type TreeEntry = readonly [name: string, oid: string];
const treeOf = (entries: readonly TreeEntry[], mode = '40000'): MadeEntry => ({
  type: 'tree',
  content: Buffer.concat(entries.map(([name, oid]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]))),
});
const nameOf = ({ type, content: bytes }: MadeEntry): string => oidOf(type, bytes);
const pointerBlob = oidOf('blob', Buffer.from(pointerTo(content)));
const last = treeOf([['b.bin', pointerBlob]], '100644');
const rootOf = (tree: MadeEntry): MadeEntry[] => [{ type: 'commit', content: Buffer.from(`tree ${nameOf(tree)}\n`) }, tree];
const root = treeOf([['sub', nameOf(last)]]);
/** Some bytes of trees that compress well, no two alike. */
const large = (bytes: number, fill: number): MadeEntry => ({ type: 'tree', content: Buffer.alloc(bytes, fill) });

const packet = (bytes: Buffer): Buffer => encodePkt(Buffer.concat([Buffer.from([1]), bytes]));
const packets = (pack: Buffer): Buffer[] => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < pack.length; at += 60_000) pieces.push(packet(pack.subarray(at, at + 60_000)));
  return pieces;
};
const answering =
  (entries: readonly MadeEntry[]) =>
  (response: ServerResponse): void =>
    void response.end(Buffer.concat([encodePkt('packfile\n'), ...packets(makePack(entries)), flushPkt]));

/** Each tree names the one before it twice: a million million ways lead to the last. */
const ladder = [last];
for (let step = 0; step < 40; step++) {
  const below = nameOf(ladder.at(-1)!);
  ladder.push(
    treeOf([
      ['x', below],
      ['y', below],
    ]),
  );
}

const most = { lfsPathBytes: 100_000 };
const isFound = named('sub/b.bin');

describe('a source that sends strange trees', () => {
  it.each<[string, readonly MadeEntry[], ReadonlyMap<string, string>]>([
    ['less than what is kept', [...rootOf(root), large(45_000, 1), large(45_000, 2), last], isFound],
    ['more than what is kept: what comes before counts', [...rootOf(root), large(60_000, 1), large(60_000, 2), last], new Map()],
    ['one that is larger than what is kept, which is left out', [...rootOf(root), large(100_001, 1), last], isFound],
    [
      'one that a delta makes larger than what is kept, which is left out',
      [...rootOf(root), large(1_000, 1), { type: 'ofs-delta', base: 2, content: copyingDelta(1_000, 1_000, 101) }, last],
      isFound,
    ],
    ['a tree in itself again and again', [...rootOf(ladder.at(-1)!), ...ladder], named(`${'y/'.repeat(40)}b.bin`)],
  ])('is looked at as far as it goes: %s', async (_, entries, paths) => {
    const made = await sourceOf([{ 'a.txt': 'one' }], answering(entries));
    expect(await find(made, most)).toEqual(paths);
  });

  /** Follows what counts, so that none of that is kept back as the end of the pack may be. */
  const rest: MadeEntry = { type: 'blob', content: randomBytes(200_000) };

  it('is left as soon as that is too much', async () => {
    const all = packets(makePack([...rootOf(last), large(60_000, 1), large(60_000, 2), rest]));
    const endless = (response: ServerResponse): void => void response.write(Buffer.concat([encodePkt('packfile\n'), ...all.slice(0, -1)]));
    const made = await sourceOf([{ 'a.txt': 'one' }], endless);
    expect(await find(made, most)).toEqual(named('b.bin'));
    await expect.poll(() => made.answers[0]?.destroyed).toBe(true);
  });

  it('is left when it takes too long, although it never falls silent', async () => {
    const all = packets(makePack([...rootOf(last), rest]));
    const drip = (response: ServerResponse): void => {
      response.write(Buffer.concat([encodePkt('packfile\n'), ...all.slice(0, -1)]));
      const timer = setInterval(() => response.write(encodePkt(Buffer.from([2, 32]))), 10);
      response.on('close', () => clearInterval(timer));
    };
    const made = await sourceOf([{ 'a.txt': 'one' }], drip);
    expect(await find(made, { lfsPathMs: 500 })).toEqual(named('b.bin'));
    await expect.poll(() => made.answers[0]?.destroyed).toBe(true);
  });

  it('fails as its answer does: damaged', async () => {
    const made = await sourceOf(
      [{ 'a.txt': 'one' }],
      answering([...rootOf(last), { type: 'tree', content: Buffer.alloc(10), statedBytes: 11 }]),
    );
    await expect(find(made)).rejects.toMatchObject({ code: 'pack_corrupt' });
  });
});
