import { describe, expect, it } from 'vitest';
import { lfsScenario, oidOf } from '../support/lfs-scenario.ts';

const a = Buffer.from('the first large file');
const b = Buffer.alloc(300_000, 'b');
const c = Buffer.from('the third');

describe('LFS objects', () => {
  it('go before the refs, and each goes once', async () => {
    const { source, target, sync, commit } = await lfsScenario();
    await commit({ 'a.bin': a, 'b.bin': b, 'copy-of-a.bin': a, 'readme.md': 'version https://git-lfs is what a pointer begins with' });
    const first = await sync();
    expect(first).toMatchObject({ outcome: 'success', lfs: { moved: 2, skipped: 0, failed: 0, bytes: a.length + b.length } });
    expect(await target.lfs.objects()).toEqual(await source.lfs.objects());

    await commit({ 'c.bin': c });
    source.lfs.log.length = 0;
    target.lfs.log.length = 0;
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { scan: 'new', moved: 1 } });
    const asked = [...source.lfs.log, ...target.lfs.log].filter(({ kind }) => kind === 'batch').map(({ oids }) => oids);
    expect(asked).toEqual([[oidOf(c)], [oidOf(c)]]);
  });
});
