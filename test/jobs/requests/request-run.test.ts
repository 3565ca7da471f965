import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GitferryError } from '../../../lib/core/errors.ts';
import type { MirrorJobs, Release } from '../../../lib/jobs/mirror-jobs.ts';
import type { JobQueue, WakeUp } from '../../../lib/jobs/requests/job-queue.ts';
import { type RequestDeps, requestRuns, updateNow } from '../../../lib/jobs/requests/request-run.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import { dueOf } from '../../support/due.ts';
import { byEvent, bySchedule, type JobBench, openJobBench } from '../../support/job-bench.ts';
import { hour, minute, noon, putMirror } from '../../support/mirrors.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterEach(() => {
  bench.clock.set(noon);
  bench.lines.length = 0;
});
afterAll(() => bench.close());

const put = (fields: Partial<Mirror> = {}) => putMirror(bench.aws, fields);
const gone: MirrorKey = { projectId: 31_337, mirror: 'pull' };

function deps(changes: Partial<RequestDeps> = {}): RequestDeps & { readonly sent: WakeUp[] } {
  const sent: WakeUp[] = [];
  const queue: JobQueue = {
    async send(wakeUps) {
      sent.push(...wakeUps);
      return [];
    },
  };
  return { ...bench, settings: bench.records.settings, queue, sent, ...changes };
}

const released: Release = { status: { updateStatus: 'finished' }, now: noon, nextDueAt: noon + hour, followUpAt: noon };

describe('requestRuns', () => {
  it('queues each mirror and sends one message for each', async () => {
    const mirrors = await Promise.all(Array.from({ length: 12 }, () => put()));
    const use = deps();
    expect(await requestRuns(mirrors, { trigger: byEvent }, use)).toEqual(mirrors.map(() => 'queued'));
    expect(use.sent.map(({ key }) => key.projectId)).toEqual(mirrors.map(({ projectId }) => projectId));
    expect(use.sent.every(({ delaySeconds }) => delaySeconds === 0)).toBe(true);
    expect(bench.events('run_requested')).toHaveLength(12);
  });

  it('merges hundreds of events into one message', async () => {
    const mirror = await put();
    const use = deps();
    const answers: string[] = [];
    for (let n = 0; n < 5; n++) {
      answers.push(
        ...(await requestRuns(
          Array.from({ length: 50 }, () => mirror),
          { trigger: byEvent },
          use,
        )),
      );
    }
    expect(answers.filter((answer) => answer === 'queued')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'merged')).toHaveLength(249);
    expect(use.sent).toHaveLength(1);
    expect(await bench.jobs.get(mirror)).toMatchObject({ requestedSeq: 250 });
  });

  it('sends no message while a run holds the mirror', async () => {
    const mirror = await put();
    await bench.request(mirror);
    await bench.jobs.acquire(mirror, { token: 'x', now: noon });
    const use = deps();
    expect(await requestRuns([mirror], { trigger: byEvent }, use)).toEqual(['merged']);
    expect(use.sent).toEqual([]);
  });

  it.each<[string, () => Promise<MirrorKey>]>([
    ['gone', async () => gone],
    ['disabled', () => put({ enabled: false })],
    ['paused', () => put({ paused: true })],
  ])('ignores a mirror that is %s', async (_, make) => {
    const use = deps();
    expect(await requestRuns([await make()], { trigger: byEvent }, use)).toEqual(['ignored']);
    expect(use.sent).toEqual([]);
  });

  it('resumes a paused mirror where that is asked for', async () => {
    const mirror = await put({ paused: true });
    expect(await requestRuns([mirror], { trigger: byEvent, resume: true }, deps())).toEqual(['queued']);
    expect(await bench.jobs.get(mirror)).toMatchObject({ paused: false });
  });

  it.each<[string, number | null, number]>([
    ['never', null, 0],
    ['just now', noon, 10],
    ['2.5 seconds ago', noon - 2500, 8],
    ['ten seconds ago', noon - 10_000, 0],
    ['long ago', noon - hour, 0],
    ['at a time still to come (a clock has jumped)', noon + hour, 0],
  ])('keeps the distance to a run that started %s', async (_, lastUpdateStartedAt, delaySeconds) => {
    const mirror = await put({ lastUpdateStartedAt });
    const use = deps();
    await requestRuns([mirror], { trigger: byEvent }, use);
    expect(use.sent).toEqual([{ key: { projectId: mirror.projectId, mirror: mirror.mirror }, delaySeconds }]);
  });

  it.each([
    ['schedule', bySchedule],
    ['person', { kind: 'manual', who: 'ada' } as const],
  ])('keeps no distance for a %s', async (_, trigger) => {
    const mirror = await put({ lastUpdateStartedAt: noon });
    const use = deps();
    await requestRuns([mirror], { trigger }, use);
    expect(use.sent).toMatchObject([{ delaySeconds: 0 }]);
  });

  it('leaves a start further away than a message can be delayed to the tick', async () => {
    const mirror = await put();
    const use = deps();
    expect(await requestRuns([mirror], { trigger: byEvent, startAt: noon + hour }, use)).toEqual(['queued']);
    expect(use.sent).toEqual([]);
    expect(await dueOf(bench.jobs, mirror)).toMatchObject({ dueAt: noon + hour });
  });

  it('gives a message that is delayed longer than the tick would wait its time', async () => {
    const settings = {
      ...bench.records.settings,
      get: async () => ({ ...(await bench.records.settings.get()), pushMinIntervalSeconds: 600 }),
    };
    const mirror = await put({ lastUpdateStartedAt: noon });
    const use = deps({ settings });
    await requestRuns([mirror], { trigger: byEvent }, use);
    expect(use.sent).toMatchObject([{ delaySeconds: 600 }]);
    expect((await dueOf(bench.jobs, mirror))?.dueAt).toBeGreaterThan(noon + 600_000);
  });

  it('is not undone when the message cannot be sent', async () => {
    const mirror = await put();
    expect(await requestRuns([mirror], { trigger: byEvent }, deps({ queue: { send: async (wakeUps) => wakeUps } }))).toEqual(['queued']);
    expect(await bench.jobs.get(mirror)).toMatchObject({ requestedSeq: 1, queuedAt: noon });
  });

  it('does not need the settings', async () => {
    const mirror = await put({ lastUpdateStartedAt: noon });
    const use = deps({ settings: { ...bench.records.settings, get: () => Promise.reject(new GitferryError('storage_unavailable')) } });
    expect(await requestRuns([mirror], { trigger: byEvent }, use)).toEqual(['queued']);
    expect(use.sent).toMatchObject([{ delaySeconds: 10 }]);
  });

  it('throws where one could not be recorded, and has the others run', async () => {
    const [one, other] = [await put(), await put()];
    const jobs: MirrorJobs = {
      ...bench.jobs,
      request: (key, request) =>
        key.mirror === one.mirror ? Promise.reject(new GitferryError('storage_unavailable')) : bench.jobs.request(key, request),
    };
    const use = deps({ jobs });
    await expect(requestRuns([one, other], { trigger: byEvent }, use)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(use.sent).toMatchObject([{ key: { mirror: other.mirror } }]);
  });
});

describe('updateNow', () => {
  const byAda = { who: 'ada', confirmDeletions: false };
  const ended = { updateStatus: 'finished', lastUpdateStartedAt: noon - 101_000, lastUpdateAt: noon - 100_000 } as const;

  it('knows no mirror that does not exist', async () => {
    expect(await updateNow(gone, byAda, deps())).toBeUndefined();
  });

  it('does nothing to a disabled mirror', async () => {
    const mirror = await put({ enabled: false });
    expect(await updateNow(mirror, byAda, deps())).toEqual({ status: 'disabled', nextRunAt: null });
    expect(await bench.jobs.get(mirror)).toEqual(mirror);
  });

  it.each<[string, Partial<Mirror>, number]>([
    ['a push mirror at once', { ...ended, lastUpdateAt: noon - 1000 }, 0],
    ['a pull mirror that never ran at once', { direction: 'pull' }, 0],
    ['a pull mirror when it has rested for five minutes', { ...ended, direction: 'pull' }, 200],
    ['a pull mirror that has rested at once', { ...ended, direction: 'pull', lastUpdateAt: noon - hour }, 0],
    ['a pull mirror whose settings were changed at once', { ...ended, direction: 'pull', updateStatus: 'none' }, 0],
    ['a pull mirror that failed when it has rested', { ...ended, direction: 'pull', updateStatus: 'failed' }, 200],
    ['a pull mirror whose clock has jumped at once', { ...ended, direction: 'pull', lastUpdateAt: noon + hour }, 0],
    ['a paused mirror at once', { ...ended, paused: true }, 0],
  ])('starts %s', async (_, fields, seconds) => {
    const mirror = await put(fields);
    const use = deps();
    expect(await updateNow(mirror, byAda, use)).toEqual({
      status: seconds === 0 ? 'queued' : 'scheduled',
      nextRunAt: noon + seconds * 1000,
    });
    expect(use.sent).toEqual([{ key: { projectId: mirror.projectId, mirror: mirror.mirror }, delaySeconds: seconds }]);
    expect(await bench.jobs.get(mirror)).toMatchObject({
      queuedFor: noon + seconds * 1000,
      queuedTrigger: { kind: 'manual', who: 'ada' },
      paused: false,
    });
  });

  it('while it runs makes one more run', async () => {
    const mirror = await put();
    await bench.request(mirror);
    await bench.jobs.acquire(mirror, { token: 'x', now: noon });
    await bench.jobs.begin(mirror, 'x', noon - 4000);
    const use = deps();
    expect(await updateNow(mirror, byAda, use)).toEqual({ status: 'running', nextRunAt: noon + 6000 });
    expect(use.sent).toEqual([]);
    expect(await bench.jobs.release(mirror, 'x', released)).toBe('queued');
  });

  it('twice is one run, and says the same', async () => {
    const mirror = await put({ ...ended, direction: 'pull' });
    const use = deps();
    const first = await updateNow(mirror, byAda, use);
    bench.clock.add(50_000);
    expect(await updateNow(mirror, byAda, use)).toEqual(first);
    expect(use.sent).toHaveLength(1);
  });

  it('brings forward what waits for later', async () => {
    const mirror = await put();
    await bench.request(mirror);
    await bench.jobs.acquire(mirror, { token: 'x', now: noon });
    const again = { startAt: noon + 5 * minute, trigger: byEvent, confirmDeletions: false };
    await bench.jobs.release(mirror, 'x', { ...released, status: { updateStatus: 'to_retry' }, again });
    const use = deps();
    expect(await updateNow(mirror, byAda, use)).toEqual({ status: 'queued', nextRunAt: noon });
    expect(use.sent).toMatchObject([{ delaySeconds: 0 }]);
    expect(await bench.jobs.get(mirror)).toMatchObject({ queuedFor: noon });
  });

  it('sends a message again that should have arrived', async () => {
    const mirror = await put();
    await bench.request(mirror);
    const use = deps();
    bench.clock.add(5000);
    await updateNow(mirror, byAda, use);
    expect(use.sent).toEqual([]);
    bench.clock.add(25_000);
    expect(await updateNow(mirror, byAda, use)).toEqual({ status: 'queued', nextRunAt: noon + 30_000 });
    expect(use.sent).toHaveLength(1);
  });

  it('remembers that deletions are confirmed, although something waits already', async () => {
    const mirror = await put();
    await bench.request(mirror);
    await updateNow(mirror, { who: 'ada', confirmDeletions: true }, deps());
    await bench.request(mirror);
    expect(await bench.jobs.acquire(mirror, { token: 'x', now: noon })).toMatchObject({
      runConfirmDeletions: true,
      runTrigger: { who: 'ada' },
    });
  });
});
