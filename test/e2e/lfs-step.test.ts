/** The LFS step of a run between real servers: what it asks both ends for, and what it makes of two tries. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { limits } from '../../lib/core/limits.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { commitTo } from '../support/commit-to.ts';
import { git } from '../support/git.ts';
import { type LfsEndOptions, oidOf, pointerTo } from '../support/lfs-scenario.ts';
import { type LfsStepOptions, oidsAfter, lfsStepScene as scene } from '../support/lfs-step-scene.ts';
import { insertingDelta, makePack } from '../support/made-pack.ts';

const main = 'refs/heads/main';
const objectOf = (content: Buffer) => ({ oid: oidOf(content), size: content.length });
const [a, b, lost] = ['of a', 'of b', 'lost'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];

const packAnswer = (pack: Buffer): Buffer =>
  Buffer.concat([encodePkt('packfile\n'), encodePkt(Buffer.concat([Buffer.from([1]), pack])), flushPkt]);
const refusal = encodePkt('ERR not like this\n');
const tooMuch = packAnswer(makePack([], limits.lfsScanObjects + 1));
/** A pointer, and what may be one: a small delta of a file too large to keep. */
const halfReadable = packAnswer(
  makePack([
    { type: 'blob', content: Buffer.from(`lfs ${'x'.repeat(40_000)}`) },
    { type: 'ofs-delta', base: 0, content: insertingDelta(40_004, 'may be one') },
    { type: 'blob', content: Buffer.from(pointerTo(a)) },
  ]),
);

describe('the look at pointers', () => {
  it('names what both sides have first, then what the target alone has, and what it has by others, up to a limit', async () => {
    const { attempt, commit, fetches, branch, target, folder } = await scene();
    const old = await commit({ 'a.txt': 'one' });
    await branch('old', old);
    const other = join(folder, 'other.git');
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', other]);
    const byOthers = await commitTo(other, { 'b.txt': 'two' });
    await writeFile(join(target.path, 'objects/info/alternates'), `${other}/objects\n`);
    const value = await commit({ 'a.txt': 'three' });
    const alone = Array.from({ length: limits.haves }, (_, index) => index.toString(16).padStart(40, '0'));
    const refs = alone.map((oid, index) => [`refs/heads/alone-${index}`, oid] as const);
    await attempt([main], [...refs.slice(0, 2), ['refs/heads/old', old]]);
    await attempt([main], [...refs, ['refs/heads/old', old]]);
    const [few, many] = fetches().map((request) => oidsAfter('have', request));
    expect(few).toEqual([old, ...alone.slice(0, 2), byOthers]);
    expect(many).toEqual([old, ...alone.slice(0, -1)]);
    expect(fetches().map((request) => oidsAfter('want', request))).toEqual([[value], [value]]);
  });

  it('asks for nothing that the target has under another name, and not at all where that is all', async () => {
    const { attempt, commit, fetches, branch, step } = await scene();
    const old = await commit({ 'a.txt': 'one' });
    await branch('old', old);
    await attempt(['refs/heads/old'], [['refs/heads/else', old]]);
    expect([fetches(), step.outcome?.scan]).toEqual([[], 'nothing']);
    const value = await commit({ 'a.txt': 'two' });
    await attempt([main, 'refs/heads/old'], [['refs/heads/else', old]]);
    expect(fetches().map((request) => oidsAfter('want', request))).toEqual([[value]]);
  });

  it('at everything names nothing that the target has, and asks for the branches and tags of the rules that are equal or about to be', async () => {
    const { attempt, commit, fetches, branch, source } = await scene({ everything: true });
    const at: Record<string, string> = {};
    for (const name of ['heads/kept', 'heads/other', 'tags/v1', 'tags/v2', 'tags/x1']) {
      at[name] = await commit({ 'a.txt': name });
      await git(source.path, ['update-ref', `refs/${name}`, 'main']);
    }
    const value = await commit({ 'a.txt': 'last' });
    const equal = ['heads/kept', 'heads/other', 'tags/v1', 'tags/x1'].map((name) => [`refs/${name}`, at[name] ?? ''] as const);
    await branch('moved', at['tags/x1'] ?? '');
    const rules = { branchRegex: '^(kept|moved)$', tags: { regex: '^v' } };
    await attempt([main], [...equal, ['refs/heads/moved', value], ['refs/tags/v2', value]], rules);
    expect(oidsAfter('want', fetches()[0]).sort()).toEqual([value, at['heads/kept'], at['tags/v1']].sort());
    expect(oidsAfter('have', fetches()[0])).toEqual([]);
  });
});

it.each([
  ['a branch that is written', ['refs/tags/v1', 'refs/heads/gone', 'refs/heads/side', main], 'refs/heads/side'],
  ["the source's default branch where none is: a tag and a deletion", ['refs/tags/v1', 'refs/heads/gone'], main],
  ["the source's default branch where nothing is written", [], main],
])('Batch requests name %s', async (_, refs, expected) => {
  const { attempt, commit, branch, source, target } = await scene({ failedBefore: [objectOf(lost)] });
  await branch('side', await commit({ 'a.txt': 'one' }));
  await git(source.path, ['tag', 'v1', 'main']);
  await attempt(refs);
  expect([...target.lfs.log, ...source.lfs.log].map(({ body }) => body.ref)).toEqual([{ name: expected }, { name: expected }]);
});

describe('objects that cannot be copied', () => {
  const many = Array.from({ length: limits.lfsNamedFailures + 1 }, (_, index) => Buffer.from(`lost ${index}`));
  const files = (count: number) => Object.fromEntries(many.slice(0, count).map((content, index) => [`${index}.bin`, content]));

  it.each([
    [limits.lfsPathedFailures, 2],
    [limits.lfsPathedFailures + 1, 1],
  ])('are named by paths only where they are few: %i', async (count, fetched) => {
    const { attempt, commit, fetches, step } = await scene();
    await commit(files(count), { lost: true });
    await attempt([main]);
    expect(step.outcome?.failures.filter(({ path }) => path !== null)).toHaveLength(fetched === 2 ? count : 0);
    expect([step.outcome?.failed, fetches().length]).toEqual([count, fetched]);
  });

  it('are failures without a path where the source refuses to tell', async () => {
    const { attempt, commit, step } = await scene({ answers: [undefined, refusal] });
    await commit({ 'a.bin': lost }, { lost: true });
    await attempt([main]);
    expect(step.outcome).toMatchObject({ scan: 'new', failed: 1, failures: [{ ...objectOf(lost), path: null }] });
    expect(step.error).toBeUndefined();
  });

  it('are looked for at the refs that are written and the default branch, up to a limit', async () => {
    const { attempt, commit, branch, source, fetches, step } = await scene({ failedBefore: [objectOf(lost)] });
    const old = await commit({ 'before.bin': lost }, { lost: true });
    await attempt([], [[main, old]]);
    expect(step.outcome).toMatchObject({ failures: [{ path: 'before.bin' }] });
    const names = Array.from({ length: limits.lfsPathTips + 1 }, (_, index) => `refs/heads/b${index + 10}`);
    const tips: string[] = [];
    for (const [index, ref] of names.entries()) {
      tips.push(await commit({ 'a.bin': index === 0 ? b : 'no pointer', 'last.bin': index === names.length - 1 ? a : '' }, { lost: true }));
      await git(source.path, ['update-ref', ref, 'main']);
    }
    await branch('main', old);
    await attempt(names, [[main, old]]);
    expect(Object.fromEntries(step.outcome?.failures.map(({ oid, path }) => [oid, path]) ?? [])).toEqual({
      [oidOf(lost)]: 'before.bin',
      [oidOf(b)]: 'a.bin',
      [oidOf(a)]: null,
    });
    expect(oidsAfter('want', fetches().at(-1))).toEqual(tips.slice(0, -1));
  });

  it('are all counted, each once, and named up to a limit', async () => {
    const { attempt, commit, step } = await scene({ failedBefore: many.slice(1).map(objectOf) });
    await commit(files(1), { lost: true });
    for (const _ of ['a try', 'another']) {
      await attempt([main]);
      expect([step.outcome?.failed, step.outcome?.failures.length]).toEqual([many.length, limits.lfsNamedFailures]);
    }
  });
});

describe('two tries', () => {
  it.each<[string, LfsStepOptions, [readonly string[], readonly string[]], string]>([
    ['nothing, and what is new', {}, [[], [main]], 'new'],
    ['what is new, and nothing', {}, [[main], []], 'new'],
    ['everything, and what is new', { everything: true }, [[main], [main]], 'everything'],
    ['what is new, and what is not shown', { answers: [undefined, refusal, refusal, refusal] }, [[main], [main]], 'failed'],
    ['what is not shown, and what is new', { answers: [refusal, refusal, refusal] }, [[main], [main]], 'failed'],
  ])('that look at %s say so', async (_, options, [first, second], scan) => {
    const { attempt, commit, step, fetches } = await scene(options);
    const old = await commit({ 'a.txt': 'one' });
    await attempt(first);
    await commit({ 'a.txt': 'two' });
    await attempt(second, [['refs/heads/old', old]]);
    expect(step.outcome?.scan).toBe(scan);
    // The second one never looks at everything.
    if (second.length > 0) expect(oidsAfter('have', fetches().at(-1))).toEqual([old]);
  });

  it.each<[string, Buffer[], 'auto' | 'on', { notes: string[]; error: string | undefined }]>([
    ['seen in part', [tooMuch], 'auto', { notes: ['lfs_not_all_seen'], error: undefined }],
    ['seen in part', [tooMuch], 'on', { notes: [], error: 'lfs_scan_failed' }],
    ['not seen', Array(3).fill(refusal), 'auto', { notes: [], error: 'lfs_scan_failed' }],
  ])('of which the first has %s what it looked at say so after the second: %#', async (_, answers, mode, { notes, error }) => {
    const { attempt, commit, step } = await scene({ answers, mode });
    await commit({ 'a.bin': a });
    await attempt([main]);
    await attempt([main]);
    expect(step.outcome).toMatchObject({ moved: 1, failed: 0 });
    expect([step.notes.map(({ code }) => code), step.error?.code]).toEqual([notes, error]);
  });

  it('keep the failures of the first when the run ends in the second', async () => {
    let batches = 0;
    const silentThen: NonNullable<LfsEndOptions['lfs']>['fault'] = ({ kind }) => {
      if (kind !== 'batch' || ++batches === 1) return false;
      deadline.abort(reason);
      return true;
    };
    const { attempt, commit, step, deadline } = await scene({ target: { lfs: { fault: silentThen } } });
    const reason = new GitferryError('run_interrupted');
    await commit({ 'a.bin': lost }, { lost: true });
    await attempt([main]);
    await expect(attempt([main])).rejects.toBe(reason);
    expect(step.outcome).toMatchObject({ scan: 'interrupted', moved: 0, failed: 1, failures: [objectOf(lost)] });
  });
});

it.each([
  ['nothing', []],
  ['something', [objectOf(b)]],
])('A run that ends while pointers are looked for is interrupted, when %s failed before', async (_, failedBefore) => {
  const reason = new GitferryError('run_interrupted');
  const { attempt, commit, step, deadline } = await scene({ answers: [() => deadline.abort(reason)], failedBefore });
  await commit({ 'a.bin': a });
  await expect(attempt([main])).rejects.toBe(reason);
  expect(step.outcome).toMatchObject({ scan: 'interrupted', moved: 0, failed: 0 });
});

describe('what can be copied is, although', () => {
  it.each<[string, LfsStepOptions, { notes: string[]; error: string | undefined; scan: string }]>([
    [
      'the source lets not all pointers be seen',
      { answers: [halfReadable] },
      { notes: ['lfs_not_all_seen'], error: undefined, scan: 'new' },
    ],
    [
      'it lets none be seen: what failed before',
      { answers: Array(3).fill(refusal), failedBefore: [objectOf(a)] },
      { notes: [], error: 'lfs_scan_failed', scan: 'failed' },
    ],
  ])('%s', async (_, options, { notes, error, scan }) => {
    const { attempt, commit, step, target } = await scene(options);
    await commit({ 'a.bin': a });
    await attempt([main]);
    expect(step.outcome).toMatchObject({ scan, moved: 1, failed: 0 });
    expect([step.notes.map(({ code }) => code), step.error?.code]).toEqual([notes, error]);
    expect(await target.lfs.objects()).toEqual([oidOf(a)]);
  });
});
