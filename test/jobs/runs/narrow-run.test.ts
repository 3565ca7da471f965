import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNarrowMemories } from '../../../lib/aws/mirrors/narrow-memories.ts';
import type { NarrowMemory } from '../../../lib/jobs/runs/narrow-memory.ts';
import { memoryAfter, narrowInputOf, ordinaryDueAt, withNarrowRuns } from '../../../lib/jobs/runs/narrow-run.ts';
import { type JobAnswer, runJob } from '../../../lib/jobs/runs/run-job.ts';
import type { KnownSides } from '../../../lib/mirror/known-sides.ts';
import type { RunWay } from '../../../lib/mirror/sync-input.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import { git } from '../../support/git.ts';
import { byEvent, bySchedule, type JobBench, madeUpRun, openJobBench, timeLeft } from '../../support/job-bench.ts';
import { minute, noon, plainMirror, plainProject } from '../../support/mirrors.ts';
import { line, scenario } from '../../support/scenario.ts';

const day = 24 * 60 * minute;
const main = 'refs/heads/main';
const ends: KnownSides = {
  source: { address: 'https://a.example/r.git', capabilities: ['agent=git/2.40'] },
  target: { address: 'https://b.example/r.git', capabilities: ['agent=git/2.40'] },
  objectFormat: 'sha1',
  headBranch: main,
};
const lastRun = {
  ...madeUpRun().outcome,
  id: '1-x',
  trigger: byEvent,
  startedAt: noon,
  finishedAt: noon,
  notes: [],
  error: null,
  lfs: null,
};
/** Its last run went well, and an event has named one ref. */
const wellMirror: Mirror = { ...plainMirror, lfs: 'off', updateStatus: 'finished', lastRun, runTrigger: byEvent, runRefs: [main] };
const project = { ...plainProject, id: plainMirror.projectId };
const ordinaryWay: RunWay = { path: 'ordinary', requests: 5, listBytes: 900, found: {}, ends };
const learn = (mirror: Mirror, way: Partial<RunWay> = {}, memory?: NarrowMemory, at = noon): NarrowMemory => {
  const next = memoryAfter({ mirror, project, memory, startedAt: at }, { outcome: madeUpRun().outcome, way: { ...ordinaryWay, ...way } });
  if (next === undefined) throw new Error('nothing is remembered');
  return next;
};

describe('an event gets a narrow run', () => {
  const memory = learn(wellMirror);
  it.each<[string, Partial<Mirror>, Partial<NarrowMemory>, number, boolean]>([
    ['a minute after an ordinary one', {}, {}, 1, true],
    ['until ten minutes after it', {}, {}, 10, false],
    ['until an hour after it, where the lists are long', {}, { listBytes: 1_000_001 }, 59, true],
    ['no longer then', {}, { listBytes: 1_000_001 }, 60, false],
    ['not where a request named no refs', { runRefs: undefined }, {}, 1, false],
    ['not where a person asked', { runTrigger: { kind: 'manual', who: 'ada' } }, {}, 1, false],
    ['not where the schedule asked', { runTrigger: bySchedule }, {}, 1, false],
    ['not after a run without success', { lastRun: { ...lastRun, outcome: 'partial' } }, {}, 1, false],
    ['not while a retry is due', { updateStatus: 'to_retry' }, {}, 1, false],
    ['not after a change of rules', { mirrorBranchRegex: '^m' }, {}, 1, false],
    ['not after a change of the URL', { url: 'https://c.example/r.git' }, {}, 1, false],
    ['not after a change of the credential', { credential: { kind: 'shared', credentialId: 7 } }, {}, 1, false],
    ['not with held back deletions', { heldBackDeletions: 3 }, {}, 1, false],
    ['not before all LFS objects were looked at', { lfs: 'auto', lfsState: null }, {}, 1, false],
    ['not with a name that git does not accept', { runRefs: ['refs/heads/a..b'] }, {}, 1, false],
    ['not with another kind of ref', { runRefs: ['refs/notes/x'] }, {}, 1, false],
    ['not with ends that it cannot speak to', {}, { ends: null }, 1, false],
    ['not in the time of waiting after a surprise', {}, { notBefore: noon + day }, 1, false],
    ['not where an earlier one missed something', {}, { suspects: ['refs/heads/other'] }, 1, false],
    ['also where what seemed to be missed was on its way', {}, { suspects: [main] }, 1, true],
    ['not where the clock went back', {}, {}, -1, false],
  ])('%s', (_, ofMirror, ofMemory, minutes, isNarrow) => {
    const mirror = { ...wellMirror, ...ofMirror };
    // A memory of an earlier rule or URL stays one of those.
    const known = { ...memory, ...ofMemory, settings: 'lfs' in ofMirror ? learn(mirror).settings : memory.settings };
    expect(narrowInputOf(mirror, project, known, noon + minutes * minute) !== undefined).toBe(isNarrow);
  });

  it('not without a memory', () => expect(narrowInputOf(wellMirror, project, undefined, noon)).toBeUndefined());
});

describe('what is remembered', () => {
  it('a surprise is remembered for a day, what a narrow run leaves to ordinary ones is none', () => {
    expect(learn(wellMirror, { gaveUp: { reason: 'x', isSurprise: true } }).notBefore).toBe(noon + day);
    expect(learn(wellMirror, { gaveUp: { reason: 'x', isSurprise: false } }).notBefore).toBe(0);
  });

  it('what an ordinary run of the schedule moves although a narrow one had it, and no event names afterwards, is a miss: a day of ordinary runs', () => {
    const narrow = learn(wellMirror, { path: 'narrow', found: { [main]: 'a'.repeat(40) } }, learn(wellMirror));
    expect(narrow.found).toEqual({ [main]: 'a'.repeat(40) });
    const moved = madeUpRun({ refs: [{ ref: main, result: 'updated', old: null, new: null, reason: null }] }).outcome;
    const byTick = { ...wellMirror, runTrigger: bySchedule, runRefs: undefined };
    const suspicious = memoryAfter({ mirror: byTick, project, memory: narrow, startedAt: noon }, { outcome: moved, way: ordinaryWay });
    expect(suspicious?.suspects).toEqual([main]);
    // The event was on its way:
    expect(learn(wellMirror, {}, suspicious).notBefore).toBe(0);
    // It never came:
    expect(learn({ ...wellMirror, runRefs: ['refs/heads/other'] }, {}, suspicious).notBefore).toBe(noon + day);
    expect(learn(byTick, {}, suspicious).notBefore).toBe(noon + day);
  });

  it('is nothing for a mirror without events, nor after a run without success', () => {
    const byTick = { ...wellMirror, runTrigger: bySchedule };
    const given = { mirror: byTick, project, memory: undefined, startedAt: noon };
    expect(memoryAfter(given, { outcome: madeUpRun().outcome, way: ordinaryWay })).toBeUndefined();
    const failed = { outcome: madeUpRun({ code: 'connection_failed' }).outcome, way: ordinaryWay };
    expect(memoryAfter({ ...given, mirror: wellMirror }, failed)).toBeUndefined();
  });
});

it('However events come, an ordinary run is never further away than its time after the last one', () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(15 * minute), isLong: fc.boolean() }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(steps, (events) => {
      let memory: NarrowMemory | undefined;
      let lastOrdinary = Number.NEGATIVE_INFINITY;
      let due = Number.POSITIVE_INFINITY;
      let now = noon;
      const ordinary = (trigger: Mirror['runTrigger'], isLong: boolean): void => {
        lastOrdinary = now;
        due = Number.POSITIVE_INFINITY;
        memory = learn({ ...wellMirror, runTrigger: trigger }, { listBytes: isLong ? 2_000_000 : 900 }, memory, now);
      };
      for (const { waitMs, isLong } of events) {
        const next = now + waitMs;
        if (due <= next) {
          now = due;
          ordinary(bySchedule, isLong);
        }
        now = next;
        const narrow = narrowInputOf(wellMirror, project, memory, now);
        if (narrow === undefined || memory === undefined) {
          ordinary(byEvent, isLong);
          continue;
        }
        memory = learn(wellMirror, { path: 'narrow', found: { [main]: 'x' } }, memory, now);
        due = ordinaryDueAt(memory);
        expect(due - lastOrdinary).toBeLessThanOrEqual(60 * minute);
        expect(due).toBeGreaterThan(now);
      }
    }),
  );
});

describe('a mirror with events', () => {
  let bench: JobBench;
  beforeAll(async () => {
    bench = await openJobBench();
  });
  afterAll(() => bench.close());

  const ask = (key: MirrorKey, refs?: readonly string[]) => {
    const now = bench.clock.now();
    return bench.jobs.request(key, { trigger: byEvent, now, startAt: now, confirmDeletions: false, resume: false, refs });
  };
  const run = (key: MirrorKey): Promise<JobAnswer> => {
    const deadline = timeLeft();
    const { dynamo } = bench.aws.clients;
    const memories = createNarrowMemories({ dynamo, tableName: bench.aws.tableName, clock: bench.clock });
    const sync = withNarrowRuns(bench.sync, { memories, clock: bench.clock, log: bench.log });
    return runJob(key, { deadline }, { ...bench, sync }).finally(() => deadline.clear());
  };
  const last = async (key: MirrorKey) => {
    const { lastRun: found, dueAt } = (await bench.jobs.get(key)) ?? {};
    return { path: found?.path, outcome: found?.outcome, counts: found?.counts['updated'], dueAt };
  };

  it('runs narrowly between ordinary runs; what no event told of is made up for when the next ordinary one is due', async () => {
    const made = await scenario({
      parents: line,
      source: { 'heads/main': 'c1', 'heads/b': 'c1', 'tags/v': 'c2' },
      target: { 'heads/main': 'c1', 'heads/b': 'c1', 'tags/v': 'c2' },
    });
    const { mirror } = await bench.made({
      project: { repositoryUrl: made.sourceUrl },
      mirror: { url: made.targetUrl, lfs: 'off' },
      trigger: null,
    });
    const startedAt = bench.clock.now();
    await ask(mirror, [main]);
    expect(await run(mirror)).toBe('done');
    expect(await last(mirror)).toMatchObject({ path: 'ordinary', outcome: 'success' });

    bench.clock.add(minute);
    for (const branch of ['main', 'b']) await git(made.source, ['update-ref', `refs/heads/${branch}`, made.oid('c2')]);
    await ask(mirror, [main]);
    expect(await run(mirror)).toBe('done');
    // The event of the other branch was lost.
    expect(await made.refs()).toMatchObject({ 'heads/main': 'c2', 'heads/b': 'c1' });
    const after = await last(mirror);
    expect(after).toMatchObject({ path: 'narrow', outcome: 'success', counts: 1, dueAt: startedAt + 10 * minute });
    const { items } = await bench.records.runs.list(mirror.id, { page: 1, perPage: 1 });
    // Two lists, the pack, which answers what the rules ask, and the push.
    expect(items).toMatchObject([{ path: 'narrow', requests: 4 }]);

    bench.clock.add(9 * minute);
    const due = { ...((await bench.jobs.get(mirror)) ?? mirror) };
    expect(due.dueAt).toBe(bench.clock.now());
    await bench.request(mirror, bySchedule);
    expect(await run(mirror)).toBe('done');
    expect(await made.refs()).toMatchObject({ 'heads/main': 'c2', 'heads/b': 'c2' });
    expect(await last(mirror)).toMatchObject({ path: 'ordinary' });
    expect((await last(mirror)).dueAt).toBeGreaterThan(bench.clock.now() + 60 * minute);
  });

  it('keeps the names of its requests: all together, or none where one of them named none, or too many wait, or a run was not settled', async () => {
    const acquired = async (key: MirrorKey) => (await bench.jobs.acquire(key, { token: 't', now: bench.clock.now() }))?.runRefs;
    const settle = async (key: MirrorKey, again: boolean) => {
      const now = bench.clock.now();
      const retry = { startAt: now, trigger: byEvent, confirmDeletions: false };
      await bench.jobs.release(key, 't', { status: {}, now, nextDueAt: now + day, followUpAt: now, ...(again ? { again: retry } : {}) });
    };
    const { mirror } = await bench.made({ trigger: null });
    await ask(mirror, ['refs/heads/b', main]);
    await ask(mirror, [main, 'refs/tags/v1']);
    expect(await acquired(mirror)).toEqual(['refs/heads/b', main, 'refs/tags/v1']);
    // Those that come during the run are for the next one.
    await ask(mirror, ['refs/heads/later']);
    await settle(mirror, false);
    expect(await acquired(mirror)).toEqual(['refs/heads/later']);
    await settle(mirror, true);
    await ask(mirror, [main]);
    expect(await acquired(mirror)).toBeUndefined();
    await settle(mirror, false);
    await ask(mirror, [main]);
    await ask(mirror);
    expect(await acquired(mirror)).toBeUndefined();
    await settle(mirror, false);
    for (let index = 0; index < 30; index++) await ask(mirror, [`refs/heads/${index}`]);
    expect(await acquired(mirror)).toBeUndefined();
    await settle(mirror, false);
    await ask(mirror, [main]);
    expect(await acquired(mirror)).toEqual([main]);
  });
});
