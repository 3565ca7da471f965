import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../lib/core/limits.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import { findPointers, type PointerSearch, type ScanLimits } from '../../lib/lfs/find-pointers.ts';
import { commitTo } from '../support/commit-to.ts';
import { git, temporaryFolder } from '../support/git.ts';
import type { GitHttpServerOptions } from '../support/git-http-server.ts';
import { transportTo } from '../support/http-transport.ts';
import { oidOf, pointerTo } from '../support/lfs-scenario.ts';
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
        requests++;
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).end('0014ERR no filters0000');
        return true;
      },
    });
    await expect(findPointers(refuseAll)).rejects.toMatchObject({ code: 'lfs_scan_failed' });
    expect(requests).toBe(3);
  });
});
