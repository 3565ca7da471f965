import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../lib/core/limits.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { findPointers, type PointerSearch, type ScanLimits } from '../../lib/lfs/find-pointers.ts';
import { commitTo } from '../support/commit-to.ts';
import { git, temporaryFolder } from '../support/git.ts';
import type { GitHttpServerOptions } from '../support/git-http-server.ts';
import { transportTo } from '../support/http-transport.ts';
import { oidOf, pointerTo } from '../support/lfs-scenario.ts';
import { type MadeEntry, makePack } from '../support/made-pack.ts';
import { started } from '../support/scenario.ts';

const contents = Array.from({ length: 10 }, (_, index) => Buffer.from(`object ${index}`));
const oids = contents.map(oidOf).sort();

/** What to look at in a repository of ten pointers, one of them twice, and a file that is none. */
async function search(options: Omit<GitHttpServerOptions, 'root'> = {}): Promise<PointerSearch> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'repo.git');
  await mkdir(path);
  await git(path, ['init', '--quiet', '--bare', '--initial-branch=main']);
  const files = Object.fromEntries(contents.map((content, index) => [`${index}.bin`, pointerTo(content)]));
  const oid = await commitTo(path, { ...files, 'again.bin': `\n${files['0.bin']}`, 'a.txt': 'no pointer of lfs\n' });
  const server = await started(folder.path, options);
  const source = await UploadPack.open(transportTo(server.url('repo.git')));
  return { source, wants: [oid], haves: [], shallows: [] };
}

const objectOf = (content: Buffer) => ({ oid: oidOf(content), size: content.length });
const answerType = 'application/x-git-upload-pack-result';
const packet = (bytes: Buffer): Buffer => encodePkt(Buffer.concat([Buffer.from([1]), bytes]));

/** A server that answers fetches like this. */
const answering = (answer: (response: ServerResponse) => unknown): Omit<GitHttpServerOptions, 'root'> => ({
  intercept({ isRpc, response, request }) {
    if (!isRpc) return false;
    request.resume();
    answer(response.writeHead(200, { 'content-type': answerType }));
    return true;
  },
});

describe('the LFS pointers that a fetch brings', () => {
  it('are named once each', async () => {
    const { objects, gap } = await findPointers(await search());
    expect([objects.map(({ oid }) => oid).sort(), gap]).toEqual([oids, undefined]);
  });

  // With filters there are 12 blobs and the commit that is asked for by name; without, a tree beside them.
  it.each<[string, Partial<ScanLimits>, Omit<GitHttpServerOptions, 'root'>, { most: number; isGap: boolean }]>([
    ['as many objects as are looked at', { lfsScanObjects: 13 }, {}, { most: 10, isGap: false }],
    ['one object more than is looked at', { lfsScanObjects: 12 }, {}, { most: 0, isGap: true }],
    ['one object more, without filters', { lfsScanObjects: 13 }, { config: ['uploadpack.allowFilter=false'] }, { most: 0, isGap: true }],
    ['more bytes than are looked at', { lfsScanBytes: 300 }, {}, { most: 9, isGap: true }],
    ['as many pointers as a run takes', { lfsObjects: 10 }, {}, { most: 10, isGap: false }],
    ['one pointer more than a run takes', { lfsObjects: 9 }, {}, { most: 9, isGap: true }],
  ])('stop at a limit, and say that there may be more: %s', async (_, limit, server, { most, isGap }) => {
    const { objects, gap } = await findPointers(await search(server), { ...limits, ...limit });
    expect(gap !== undefined).toBe(isGap);
    expect(objects.length).toBeLessThanOrEqual(most);
    if (limit.lfsScanBytes === undefined) expect(objects).toHaveLength(most);
    for (const { oid } of objects) expect(oids).toContain(oid);
  });

  it('are asked for with wider filters where the source refuses the narrow ones, and the last refusal is told', async () => {
    let requests = 0;
    const refuseAll = await search({
      async intercept({ isRpc, response, request }) {
        if (!isRpc) return false;
        request.resume();
        response.writeHead(200, { 'content-type': answerType }).end(encodePkt(`ERR refusal ${++requests}\n`));
        return true;
      },
    });
    await expect(findPointers(refuseAll)).rejects.toMatchObject({ code: 'lfs_scan_failed', detail: expect.stringContaining('refusal 3') });
    expect(requests).toBe(3);
  });

  const pointers = contents.slice(0, 3).map((content): MadeEntry => ({ type: 'blob', content: Buffer.from(pointerTo(content)) }));
  const [first, second, third] = pointers as [MadeEntry, MadeEntry, MadeEntry];
  const again: MadeEntry = { type: 'blob', content: Buffer.from(`\n${first.content}`) };
  /** Follows what counts, so that none of that is kept back as the end of the pack may be. */
  const rest: MadeEntry = { type: 'blob', content: randomBytes(60_000) };

  it('count once where the limit is reached', async () => {
    const pack = makePack([first, second, again, second]);
    const made = await search(answering((response) => response.end(Buffer.concat([encodePkt('packfile\n'), packet(pack), flushPkt]))));
    expect(await findPointers(made, { ...limits, lfsObjects: 2 })).toEqual({ objects: contents.slice(0, 2).map(objectOf), gap: undefined });
  });

  it.each<[string, MadeEntry[], Partial<ScanLimits>, number]>([
    ['too many objects', [first], { lfsScanObjects: 2 }, 0],
    ['too many bytes', [first], { lfsScanBytes: 1_000 }, 0],
    ['too many pointers', [first, second, third], { lfsObjects: 2 }, 2],
    ['what cannot be read', [first, { ...second, statedBytes: 5 }], {}, -1],
  ])('of a source that goes on for ever are waited for no longer than there is a reason to: %s', async (_, entries, limit, count) => {
    const open: ServerResponse[] = [];
    const made = await search(
      answering((response) => {
        open.push(response);
        const pack = makePack([...entries, rest], 1_000);
        response.write(Buffer.concat([encodePkt('packfile\n'), packet(pack.subarray(0, 50_000)), packet(pack.subarray(50_000))]));
      }),
    );
    const found = findPointers(made, { ...limits, ...limit });
    if (count < 0) await expect(found).rejects.toMatchObject({ code: 'lfs_scan_failed' });
    else expect((await found).objects.length).toBe(count);
    await expect.poll(() => open.every(({ destroyed }) => destroyed)).toBe(true);
    expect(open.length).toBeGreaterThan(0);
  });
});
