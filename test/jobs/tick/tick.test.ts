import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { itemOfMirror } from '../../../lib/aws/mirrors/mirror-item.ts';
import { createMirrorJobs } from '../../../lib/aws/mirrors/mirror-jobs.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { serviceLimits } from '../../../lib/core/service-limits.ts';
import type { MirrorJobs } from '../../../lib/jobs/mirror-jobs.ts';
import type { JobQueue, WakeUp } from '../../../lib/jobs/requests/job-queue.ts';
import { sendWaiting } from '../../../lib/jobs/tick/send-waiting.ts';
import { breakAllLeases, shardsOf, type TickDeps, type TickSummary, tick } from '../../../lib/jobs/tick/tick.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import { dueOf } from '../../support/due.ts';
import { byEvent, type JobBench, openJobBench, timeLeft } from '../../support/job-bench.ts';
import { hour, minute, noon, plainMirror, putMirror } from '../../support/mirrors.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
const made: Mirror[] = [];
afterEach(async () => {
  bench.clock.set(noon);
  bench.lines.length = 0;
  await bench.records.settings.update({ silentModeEnabled: false });
  // A tick sees all mirrors of the table.
  for (let from = 0; from < made.length; from += 25) {
    const requests = made.slice(from, from + 25).map((mirror) => {
      const { pk, sk } = itemOfMirror(mirror) as { pk: string; sk: string };
      return { DeleteRequest: { Key: { pk, sk } } };
    });
    await bench.aws.clients.dynamo.send(new BatchWriteCommand({ RequestItems: { [bench.aws.tableName]: requests } }));
  }
  made.length = 0;
});
afterAll(() => bench.close());

async function put(fields: Partial<Mirror> = {}): Promise<Mirror> {
  const mirror = await putMirror(bench.aws, fields);
  made.push(mirror);
  return mirror;
}

/** A queue that keeps what is sent. */
function keeping(): JobQueue & { readonly sent: WakeUp[]; readonly batches: number[] } {
  const sent: WakeUp[] = [];
  const batches: number[] = [];
  return {
    sent,
    batches,
    async send(wakeUps) {
      sent.push(...wakeUps);
      batches.push(wakeUps.length);
      return [];
    },
  };
}

async function tickAt(time: number, deps: Partial<TickDeps> = {}, leftMs = 60_000): Promise<TickSummary> {
  bench.clock.set(Math.max(time, bench.clock.now()));
  const deadline = timeLeft(leftMs);
  try {
    return await tick({ time, deadline }, { ...bench, ...deps });
  } finally {
    deadline.clear();
  }
}

const keyOf = ({ projectId, mirror }: MirrorKey): MirrorKey => ({ projectId, mirror });
const nothing = {
  due: 0,
  started: 0,
  resent: 0,
  hosts_seen: 0,
  notices_sent: 0,
  leases_seen: 0,
  leases_broken: 0,
  retired: 0,
  left: 0,
  changed: 0,
  failed: 0,
  unsent: 0,
  complete: true,
};

describe('what is due', () => {
  it('is started by the schedule, with a message', async () => {
    const queue = keeping();
    const mirrors = [await put({ dueAt: noon - 1 }), await put({ dueAt: noon, direction: 'pull', mirror: 'pull' })];
    await put({ dueAt: noon + 1 });
    expect(await tickAt(noon, { queue })).toEqual({ ...nothing, due: 2, started: 2 });
    expect(queue.sent.map(({ key }) => key)).toEqual(expect.arrayContaining(mirrors.map(keyOf)));
    expect(await bench.jobs.get(mirrors[0]!)).toMatchObject({
      requestedSeq: 1,
      queuedTrigger: { kind: 'schedule' },
      dueAt: noon + serviceLimits.graceMs,
    });
  });

  it('is seen to once where several invocations share a tick', async () => {
    const queue = keeping();
    const mirrors = await Promise.all(Array.from({ length: 12 }, () => put({ dueAt: noon })));
    const parts: TickSummary[] = [];
    for (const shards of [
      [0, 4],
      [1, 5],
      [2, 6],
      [3, 7],
    ]) {
      const deadline = timeLeft(60_000);
      parts.push(await tick({ time: noon, deadline, shards }, { ...bench, queue }));
      deadline.clear();
      expect(parts.at(-1)?.due).toBe(mirrors.filter(({ id }) => shards.includes(id % 8)).length);
    }
    expect(parts.reduce((sum, { started }) => sum + started, 0)).toBe(12);
    expect(queue.sent).toHaveLength(12);
  });

  it.each<[unknown, readonly number[]]>([
    [[3], [3]],
    [
      [7, 0, 7],
      [7, 0],
    ],
    [undefined, [0, 1, 2, 3, 4, 5, 6, 7]],
    [[], [0, 1, 2, 3, 4, 5, 6, 7]],
    [[8], [0, 1, 2, 3, 4, 5, 6, 7]],
    ['3', [0, 1, 2, 3, 4, 5, 6, 7]],
    [[1.5], [0, 1, 2, 3, 4, 5, 6, 7]],
  ])('reads the shards of an event: %o', (value, shards) => {
    expect(shardsOf(value)).toEqual(shards);
  });

  it('is started once by two ticks at the same time', async () => {
    const queue = keeping();
    for (let n = 0; n < 30; n++) await put({ dueAt: noon });
    const summaries = await Promise.all([tickAt(noon, { queue }), tickAt(noon, { queue })]);
    expect(summaries.map(({ started }) => started).reduce((a, b) => a + b)).toBe(30);
    expect(queue.sent).toHaveLength(30);
  });

  it('is not sent again while its message is young', async () => {
    const mirror = await put();
    await bench.request(mirror);
    expect(await tickAt(noon + serviceLimits.graceMs - 1)).toEqual(nothing);
  });

  it('is sent again where the message was lost, with doubled waits up to an hour', async () => {
    const mirror = await put();
    await bench.request(mirror);
    const queue = keeping();
    const times: number[] = [];
    for (let time = noon; time <= noon + 186 * minute; time += minute) {
      if ((await tickAt(time, { queue })).resent > 0) times.push((time - noon) / minute);
    }
    expect(times).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184]);
    expect(queue.sent.every(({ key, delaySeconds }) => key.projectId === mirror.projectId && delaySeconds === 0)).toBe(true);
    expect(await bench.jobs.get(mirror)).toMatchObject({ requestedSeq: 1, queuedAt: noon });
  });

  it('is retired where it is disabled or paused', async () => {
    const mirrors = [await put({ dueAt: noon, enabled: false }), await put({ dueAt: noon, paused: true })];
    expect(await tickAt(noon)).toEqual({ ...nothing, due: 2, retired: 2 });
    for (const mirror of mirrors) expect(await dueOf(bench.jobs, mirror)).toBeUndefined();
  });

  it('is seen to although one of them cannot be', async () => {
    const mirrors = await Promise.all(Array.from({ length: 12 }, () => put({ dueAt: noon })));
    const jobs: MirrorJobs = {
      ...bench.jobs,
      startScheduled: (mirror, at) =>
        mirror.mirror === mirrors[3]!.mirror
          ? Promise.reject(new GitferryError('storage_unavailable'))
          : bench.jobs.startScheduled(mirror, at),
    };
    expect(await tickAt(noon, { jobs })).toEqual({ ...nothing, due: 12, started: 11, failed: 1 });
    expect(bench.events('tick_failed')).toHaveLength(1);
    expect(await tickAt(noon + 1)).toMatchObject({ started: 1 });
  });

  it('is left to the next tick where the message cannot be sent', async () => {
    const mirror = await put({ dueAt: noon });
    const queue: JobQueue = { send: async (wakeUps) => wakeUps };
    expect(await tickAt(noon, { queue })).toMatchObject({ started: 1, unsent: 1 });
    const working = keeping();
    expect(await tickAt(noon + minute, { queue: working })).toMatchObject({ resent: 1 });
    expect(working.sent.map(({ key }) => key)).toEqual([keyOf(mirror)]);
  });

  it('throws only where nothing can be read at all', async () => {
    const jobs = createMirrorJobs({ dynamo: bench.aws.clients.dynamo, tableName: 'missing' });
    await expect(tickAt(noon, { jobs })).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('a lease', () => {
  const leased = async (fields: Partial<Mirror> = {}): Promise<Mirror> => {
    const mirror = await put(fields);
    await bench.request(mirror);
    await bench.jobs.acquire(mirror, { token: 'holder', now: noon });
    await bench.jobs.begin(mirror, 'holder', noon);
    return mirror;
  };

  it('of a dead worker is broken at the second tick, and its run repeated at once', async () => {
    const mirror = await leased();
    const queue = keeping();
    expect(await tickAt(noon + 5000, { queue })).toEqual({ ...nothing, due: 1, leases_seen: 1 });
    expect(await tickAt(noon + 65_000, { queue })).toEqual({ ...nothing, due: 1, leases_broken: 1 });
    expect(queue.sent).toEqual([{ key: keyOf(mirror), delaySeconds: 0 }]);
    expect(await bench.jobs.get(mirror)).toMatchObject({
      leaseToken: null,
      updateStatus: 'to_retry',
      attempts: 1,
      lastError: { code: 'run_interrupted' },
      queuedTrigger: byEvent,
    });
    const { items } = await bench.records.runs.list(mirror.id, { page: 1, perPage: 5 });
    expect(items).toEqual([
      expect.objectContaining({
        id: `${noon}-holder`,
        startedAt: noon,
        finishedAt: noon + 65_000,
        outcome: 'failed',
        error: expect.anything(),
      }),
    ]);
    expect(bench.events('lease_broken')).toHaveLength(1);
  });

  it.each([
    ['a run that had begun', true],
    ['a run that had not', false],
  ])('is broken by the next tick where one died over it, and %s is on record once', async (_, hasBegun) => {
    const mirror = await put();
    await bench.request(mirror);
    await bench.jobs.acquire(mirror, { token: 'holder', now: noon });
    if (hasBegun) await bench.jobs.begin(mirror, 'holder', noon);
    await tickAt(noon);
    const dying: MirrorJobs = {
      ...bench.jobs,
      async breakLease(due, decide) {
        await decide((await bench.jobs.get(due))!);
        throw new GitferryError('storage_unavailable');
      },
    };
    expect(await tickAt(noon + minute, { jobs: dying })).toMatchObject({ failed: 1 });
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: 'holder' });
    expect(await tickAt(noon + 2 * minute)).toMatchObject({ leases_broken: 1 });
    const { items } = await bench.records.runs.list(mirror.id, { page: 1, perPage: 5 });
    expect(items.map(({ id, finishedAt }) => ({ id, finishedAt }))).toEqual([{ id: `${noon}-holder`, finishedAt: noon + minute }]);
  });

  it('is broken although the run cannot be recorded', async () => {
    const mirror = await leased();
    await tickAt(noon);
    const runs = { ...bench.records.runs, putIfAbsent: () => Promise.reject(new GitferryError('storage_unavailable')) };
    expect(await tickAt(noon + minute, { records: { ...bench.records, runs } })).toMatchObject({ leases_broken: 1 });
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: null, updateStatus: 'to_retry' });
    expect(bench.events('run_not_recorded')).toHaveLength(1);
  });

  it('of a live worker is never broken', async () => {
    const mirror = await leased();
    for (let time = noon; time < noon + 20 * minute; time += minute) {
      await bench.jobs.renew(mirror, 'holder');
      expect((await tickAt(time)).leases_broken).toBe(0);
    }
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: 'holder' });
  });

  it.each<[string, number, number, number, number]>([
    ['two ticks less than a minute apart', 60_000, 61_000, 100_000, 130_000],
    ['a first tick that came late', 60_000, 118_000, 120_000, 121_000],
    ['a tick that comes twice', 60_000, 60_000, 60_000, 130_000],
  ])('is not broken by %s', async (_, firstTime, firstNow, secondTime, secondNow) => {
    const mirror = await leased();
    await bench.request(mirror);
    bench.clock.set(noon + firstNow);
    expect(await tick({ time: noon + firstTime, deadline: timeLeft() }, bench)).toMatchObject({ leases_seen: 1 });
    // It brings back the time at which the tick looks.
    await bench.request(mirror);
    bench.clock.set(noon + secondNow);
    expect(await tick({ time: noon + secondTime, deadline: timeLeft() }, bench)).toMatchObject({ due: 1, leases_broken: 0 });
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: 'holder' });
  });

  it('that was seen at a time still to come (a clock has jumped) is seen anew', async () => {
    const mirror = await leased();
    const due = await dueOf(bench.jobs, mirror);
    await bench.jobs.noteLease(due!, { tick: noon + 24 * hour, now: noon + 24 * hour, dueAt: noon });
    expect(await tickAt(noon)).toMatchObject({ leases_seen: 1 });
    expect(await tickAt(noon + minute)).toMatchObject({ leases_broken: 1 });
  });

  it('is judged in silent mode too, but nothing is sent', async () => {
    const mirror = await leased();
    const waiting = await put();
    await bench.request(waiting);
    await put({ dueAt: noon });
    await bench.records.settings.update({ silentModeEnabled: true });
    const queue = keeping();
    expect(await tickAt(noon + minute, { queue })).toEqual({ ...nothing, due: 3, leases_seen: 1, left: 2 });
    expect(await tickAt(noon + 2 * minute, { queue })).toEqual({ ...nothing, due: 3, leases_broken: 1, left: 2 });
    expect(queue.sent).toEqual([]);
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: null, queuedAt: noon + 2 * minute });
  });

  it('that is broken for the fourth time in a row is a failed run, told once', async () => {
    const mirror = await put();
    await bench.request(mirror);
    for (let time = noon, n = 0; n < 4; n++, time += 10 * minute) {
      bench.clock.set(time);
      await bench.jobs.acquire(mirror, { token: `dead-${n}`, now: time });
      await tickAt(time);
      await tickAt(time + minute);
    }
    expect(await bench.jobs.get(mirror)).toMatchObject({ updateStatus: 'failed', failedRuns: 1, attempts: 0, requestedSeq: 1, doneSeq: 1 });
    expect(bench.events('mirror_failing')).toHaveLength(1);
  });

  it('with a request that came meanwhile is followed by one more run', async () => {
    const mirror = await leased({ attempts: 3 });
    await bench.request(mirror);
    const queue = keeping();
    await tickAt(noon + minute, { queue });
    await tickAt(noon + 2 * minute, { queue });
    expect(queue.sent.map(({ key }) => key)).toEqual([keyOf(mirror)]);
    expect(await bench.jobs.get(mirror)).toMatchObject({ updateStatus: 'failed', requestedSeq: 2, doneSeq: 1 });
  });

  it('is taken away from everybody when the one machine starts anew', async () => {
    const mirrors = [await leased(), await leased()];
    await put({ dueAt: noon });
    const queue = keeping();
    const deadline = timeLeft();
    expect(await breakAllLeases({ time: noon, deadline }, { ...bench, queue })).toBe(2);
    deadline.clear();
    expect(queue.sent.map(({ key }) => key)).toEqual(expect.arrayContaining(mirrors.map(keyOf)));
    expect(queue.sent).toHaveLength(2);
  });
});

describe('sendWaiting', () => {
  it('sends all that waits, once, and leaves the schedule alone', async () => {
    const waiting = await Promise.all(Array.from({ length: 23 }, () => put()));
    for (const mirror of waiting) await bench.request(mirror);
    const running = await put();
    await bench.request(running);
    await bench.jobs.acquire(running, { token: 'holder', now: noon });
    await put({ dueAt: noon - 1 });
    const queue = keeping();
    expect(await sendWaiting({ ...bench, queue })).toBe(23);
    expect(queue.sent.map(({ key }) => key)).toEqual(expect.arrayContaining(waiting.map(keyOf)));
    expect(queue.sent).toHaveLength(23);
    // Those messages are young: the tick does not double them.
    expect(await tickAt(noon + 1000)).toMatchObject({ resent: 0, started: 1 });
  });

  it('leaves a retry its time, whatever was silent meanwhile', async () => {
    const mirror = await put();
    await bench.request(mirror);
    await bench.jobs.acquire(mirror, { token: 'holder', now: noon });
    const startAt = noon + 10 * minute;
    const again = { startAt, trigger: byEvent, confirmDeletions: false };
    await bench.jobs.release(mirror, 'holder', { status: {}, now: noon, nextDueAt: startAt, followUpAt: startAt, again });
    expect(await sendWaiting({ ...bench, queue: keeping() })).toBe(0);
    // A message of an older request that comes now finds nothing to do; at its time, or when somebody asks by hand, it is there.
    expect(await bench.jobs.acquire(mirror, { token: 'early', now: noon + minute })).toBeUndefined();
    expect(await bench.jobs.expedite(mirror, { startAt: noon + minute, now: noon + minute })).toBe(true);
    expect(await bench.jobs.acquire(mirror, { token: 'asked', now: noon + minute })).toMatchObject({ leaseToken: 'asked' });
  });
});

describe('many mirrors', () => {
  /** Puts mirrors into the table 25 at a time. */
  async function putMany(count: number, fieldsOf: (n: number) => Partial<Mirror>): Promise<void> {
    for (let from = 0; from < count; from += 25) {
      const requests = Array.from({ length: Math.min(25, count - from) }, (_, n) => {
        const id = 5_000_000 + from + n;
        const mirror = { ...plainMirror, id, mirror: id, projectId: id, ...fieldsOf(from + n) };
        made.push(mirror);
        return { PutRequest: { Item: itemOfMirror(mirror) } };
      });
      await bench.aws.clients.dynamo.send(new BatchWriteCommand({ RequestItems: { [bench.aws.tableName]: requests } }));
    }
  }

  it('cost a tick one query a shard, and one write and a tenth of a message for each that is due', async () => {
    await putMany(2000, (n) => ({ dueAt: n % 10 === 0 ? noon - n : noon + hour }));
    const commands: string[] = [];
    const dynamo = Object.assign(Object.create(bench.aws.clients.dynamo), {
      send(command: object) {
        commands.push(command.constructor.name);
        return bench.aws.clients.dynamo.send(command as never);
      },
    });
    const queue = keeping();
    const jobs = createMirrorJobs({ dynamo, tableName: bench.aws.tableName });
    expect(await tickAt(noon, { jobs, queue })).toEqual({ ...nothing, due: 200, started: 200 });
    expect(commands.filter((name) => name === 'QueryCommand')).toHaveLength(8);
    expect(commands.filter((name) => name === 'UpdateCommand')).toHaveLength(200);
    expect(commands).toHaveLength(208);
    expect(queue.sent).toHaveLength(200);
    expect(queue.batches.length).toBeLessThanOrEqual(21);
  });

  it('are left to the next tick where the time is up, and none is forgotten', async () => {
    await putMany(400, () => ({ dueAt: noon - 1 }));
    const queue = keeping();
    const summaries: TickSummary[] = [];
    // A little time each, until one gets through.
    for (let leftMs = 3_050; summaries.at(-1)?.complete !== true; leftMs += 50) summaries.push(await tickAt(noon, { queue }, leftMs));
    expect(summaries[0]?.complete).toBe(false);
    expect(new Set(queue.sent.map(({ key }) => key.projectId)).size).toBe(400);
    expect(queue.sent).toHaveLength(400);
  });
});
