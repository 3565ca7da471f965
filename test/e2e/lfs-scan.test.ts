import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import type { LfsObject } from '../../lib/lfs/pointer.ts';
import { git } from '../support/git.ts';
import { beginningOf } from '../support/git-http-server.ts';
import { lfsScenario, oidOf, pointerTo } from '../support/lfs-scenario.ts';
import { started } from '../support/scenario.ts';
import { sync } from '../support/sync.ts';

const refusal = encodePkt('ERR not like this\n');
const header = Buffer.alloc(12);
header.write('PACK');
header.writeUInt32BE(2, 4);
header.writeUInt32BE(3_000_001, 8);
const hugePack = Buffer.concat([encodePkt('packfile\n'), encodePkt(Buffer.concat([Buffer.from([1]), header])), flushPkt]);

/** A source that answers so many of the first looks at its pointers by this, and other requests as git does; one object at it. */
async function withFirstLooks(count: number, answer: Buffer) {
  const made = await lfsScenario();
  await made.commit({ 'a.bin': Buffer.from('a large file') });
  let left = count;
  const server = await started(join(made.folder, 'source'), {
    async intercept({ isRpc, request, response }) {
      if (!isRpc) return false;
      // The fetch of what is pushed may come in between.
      const body = await beginningOf(request);
      if (!body.includes('command=fetch') || body.includes('thin-pack') || left === 0) return false;
      left--;
      request.resume();
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).end(answer);
      return true;
    },
  });
  const run = (...options: string[]) =>
    sync(server.url('repo.git'), made.target.url, ['--source-lfs-url', `${made.source.url}/info/lfs`, ...options]);
  const isMirrored = async () =>
    (await git(made.target.path, ['rev-parse', 'main'])) === (await git(made.source.path, ['rev-parse', 'main']));
  return { ...made, run, isMirrored };
}

describe('a source that does not let its LFS pointers be looked at', () => {
  it.each(['auto', 'on'])('makes an error of the run with `%s`, and the refs go on', async (mode) => {
    const { run, isMirrored } = await withFirstLooks(3, refusal);
    const outcome = await run('--lfs', mode);
    expect(outcome).toMatchObject({
      outcome: 'partial',
      error: { code: 'lfs_scan_failed' },
      counts: { created: 1 },
      lfs: { scan: 'failed' },
    });
    expect(await isMirrored()).toBe(true);
  });

  it.each([
    ['auto', { outcome: 'success', error: null, notes: [{ code: 'lfs_not_all_seen' }] }],
    ['on', { outcome: 'partial', error: { code: 'lfs_scan_failed' }, notes: [] }],
  ])('in whole, as there is too much of it, makes a note or (with `on`) an error: %s', async (mode, expected) => {
    const { run, isMirrored } = await withFirstLooks(1, hugePack);
    expect(await run('--lfs', mode)).toMatchObject({ ...expected, counts: { created: 1 }, lfs: { moved: 0 } });
    expect(await isMirrored()).toBe(true);
  });
});

it('A repository without LFS is mirrored over v0 without a note, however often', async () => {
  const config = ['uploadpack.allowFilter=false'];
  const { sync: run, commit } = await lfsScenario({ source: { git: { v0Only: true, config } } });
  // Enough files for folders to be deltas of what the target has.
  const files = (change: number) =>
    Object.fromEntries(
      Array.from({ length: 120 }, (_, index) => [`${index % 4}/${index}.txt`, `${index} ${index === 3 ? change : ''} lfs\n`]),
    );
  for (let change = 0; change < 3; change++) {
    await commit(files(change));
    expect(await run()).toMatchObject({ outcome: 'success', notes: [], lfs: { moved: 0, failed: 0 } });
  }
});

it('`on` looks at the refs that the mirror keeps equal, and at no others', async () => {
  const { source, target, sync: run, commit } = await lfsScenario();
  await commit({ 'a.bin': Buffer.from('kept') });
  await git(source.path, ['branch', 'kept', 'main']);
  await commit({ 'b.bin': Buffer.from('of main alone') });
  await git(source.path, ['tag', 'left-out', 'main']);
  await git(source.path, ['branch', 'diverged', 'kept']);
  expect(await run('--lfs', 'off')).toMatchObject({ counts: { created: 4 }, lfs: null });
  await git(source.path, ['branch', '--force', 'diverged', await git(source.path, ['commit-tree', 'main^{tree}', '-m', 'other'])]);
  const rules = ['--keep-divergent-refs', '--branch-regex', '^(kept|diverged)$', '--tags', 'none'];
  const outcome = await run('--lfs', 'on', ...rules);
  expect(outcome).toMatchObject({ counts: { diverged: 1, created: 0 }, lfs: { scan: 'everything', moved: 1 } });
  expect(await target.lfs.objects()).toEqual([oidOf(Buffer.from('kept'))]);
});

it('Five thousand pointers are asked for a hundred at a time, each once, and text that only looks like one is not asked for', async () => {
  const hasAll = ({ objects, ...answer }: { objects: LfsObject[] }) => ({
    ...answer,
    objects: objects.map(({ oid, size }) => ({ oid, size })),
  });
  const { source, target, sync: run, commit } = await lfsScenario({ target: { lfs: { alter: hasAll } } });
  const contents = Array.from({ length: 5_000 }, (_, index) => Buffer.from(`object ${index}`));
  const pointer = pointerTo(Buffer.from('never pushed'));
  const lookalikes = [
    `see ${pointer}`,
    pointer.replace('size', 'sizes'),
    pointer.replace('sha256:', 'sha512:'),
    `${pointer}more\n`,
    pointer.padEnd(1024),
  ];
  await commit({
    ...Object.fromEntries(contents.map((content, index) => [`f/${index % 50}/${index}.bin`, pointerTo(content)])),
    ...Object.fromEntries(lookalikes.map((text, index) => [`${index}.txt`, text])),
  });
  expect(await run()).toMatchObject({ outcome: 'success', lfs: { moved: 0, skipped: 5_000, failed: 0 } });
  const asked = target.lfs.log.flatMap(({ oids }) => oids);
  expect([target.lfs.log.length, asked.length, new Set(asked).size, source.lfs.log.length]).toEqual([50, 5_000, 5_000, 0]);
});

it('A shallow target is not believed to have what lies before its history', async () => {
  const { source, target, sync: run, commit } = await lfsScenario();
  const content = Buffer.from('removed from main');
  const before = await commit({ 'a.bin': content });
  await commit({ 'a.bin': 'no pointer' });
  await git(target.path, ['fetch', '--quiet', '--depth=1', `file://${source.path}`, 'main:main']);
  await git(source.path, ['branch', 'side', await git(source.path, ['commit-tree', `${before}^{tree}`, '-p', before, '-m', 'beside'])]);
  expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 1 }, lfs: { scan: 'new', moved: 1 } });
  expect(await target.lfs.objects()).toEqual([oidOf(content)]);
});

it('A run that loses a race adds up both of its tries, names a failure of both once and one of the first not at all, and offers what failed before once', async () => {
  const contents = ['moved', 'had', 'late', 'lost', 'long lost'].map((text) => Buffer.from(text));
  const [moved, had, late, lost, longLost] = contents as [Buffer, Buffer, Buffer, Buffer, Buffer];
  let rival = '';
  const { folder, source, target, commit } = await lfsScenario({
    target: {
      lfs: {
        // Between the list of refs and the push: somebody else writes, one object is lost, and another is found.
        async fault({ kind }, response, request, before) {
          if (kind !== 'verify' || before > 0) return false;
          request.resume();
          await git(target.path, ['update-ref', 'refs/heads/main', rival]);
          await rm(join(folder, 'target-objects', oidOf(moved)));
          await source.lfs.put(late);
          response.writeHead(200).end();
          return true;
        },
        verify: true,
      },
    },
  });
  await commit({ 'readme.md': 'nothing large yet' });
  await sync(source.url, target.url);
  rival = await git(target.path, ['commit-tree', 'main^{tree}', '-m', 'of somebody else']);
  await target.lfs.put(had);
  await source.lfs.put(moved);
  await commit(Object.fromEntries([moved, had, late, lost].map((content, index) => [`${index}.bin`, pointerTo(content)])));
  const outcome = await sync(source.url, target.url, [], [{ oid: oidOf(longLost), size: longLost.length }]);
  const counts = { moved: 3, skipped: 2, failed: 2, bytes: 2 * moved.length + late.length };
  expect(outcome).toMatchObject({ outcome: 'partial', counts: { forced: 1 }, lfs: { scan: 'new', ...counts } });
  expect(outcome.lfs?.failures.map(({ oid }) => oid).sort()).toEqual([lost, longLost].map(oidOf).sort());
  const asked = target.lfs.log.filter(({ kind }) => kind === 'batch').flatMap(({ oids }) => oids);
  expect(contents.map((content) => asked.filter((oid) => oid === oidOf(content)).length)).toEqual([2, 2, 2, 2, 1]);
});
