/** The deletion guard in the service counts over a day: slices of nine do not pass. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runJob } from '../../lib/jobs/runs/run-job.ts';
import { git, refsOf } from '../support/git.ts';
import { type JobBench, openJobBench, timeLeft } from '../support/job-bench.ts';
import { scenario } from '../support/scenario.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

it('A source that lets nine branches a run vanish is held back in the second run, until somebody confirms', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `heads/b${index}`);
  const all = Object.fromEntries(['heads/main', ...names].map((name) => [name, 'c1']));
  const made = await scenario({ parents: { c1: [] }, source: all, target: all });
  const { mirror } = await bench.made({ project: { repositoryUrl: made.sourceUrl }, mirror: { url: made.targetUrl } });
  const run = async (confirm = false) => {
    await bench.request(mirror, undefined, confirm);
    const deadline = timeLeft();
    try {
      await runJob(mirror, { deadline }, { ...bench, heartbeat: { beatMs: 1000, giveUpMs: 120_000 } });
    } finally {
      deadline.clear();
    }
    return bench.records.mirrors.get(mirror);
  };
  const vanish = async (from: number, to: number) => {
    for (const name of names.slice(from, to)) await git(made.source, ['update-ref', '-d', `refs/${name}`]);
  };
  const left = async () => Object.keys(await refsOf(made.target)).length;

  await vanish(0, 9);
  await run();
  expect(await left()).toBe(22);
  bench.clock.add(3 * 3600_000);
  await vanish(9, 18);
  expect(await run()).toMatchObject({ heldBackDeletions: 9 });
  expect(await left()).toBe(22);
  await run(true);
  expect(await left()).toBe(13);
  expect((await bench.records.mirrors.get(mirror))?.recentDeletions ?? []).toEqual([]);
});
