import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTickRecords } from '../../../lib/aws/instance/tick-records.ts';
import { createRecordTable } from '../../../lib/aws/table/record-table.ts';
import { limits } from '../../../lib/core/limits.ts';
import { dueShards } from '../../../lib/jobs/mirror-jobs.ts';
import { allMissed, compareMissed, missedEventsTrigger, noteMissedEvents } from '../../../lib/jobs/tick/missed-events.ts';
import { tick } from '../../../lib/jobs/tick/tick.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import type { MissedEvents } from '../../../lib/model/records.ts';
import { type JobBench, openJobBench, timeLeft } from '../../support/job-bench.ts';
import { minute, noon } from '../../support/mirrors.ts';

const shards = Array.from({ length: dueShards }, (_, shard) => shard);
let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.clock.set(noon));

/** A mirror whose project has a hook, unless `isDriven` says otherwise. */
async function mirrored({
  direction = 'push',
  isDriven = true,
  enabled = true,
}: {
  direction?: 'push' | 'pull';
  isDriven?: boolean;
  enabled?: boolean;
} = {}) {
  const { project, mirror } = await bench.made({ direction, trigger: null, mirror: { enabled } });
  if (isDriven) await bench.records.hooks.create(project.id, { provider: 'github', tokenHash: `h${project.id}` }, noon);
  return mirror;
}

const compare = (missed: MissedEvents, isTimeUp = () => false) => compareMissed(missed, shards, isTimeUp, bench);
const stateOf = async (keys: readonly MirrorKey[]): Promise<readonly (Mirror | undefined)[]> =>
  Promise.all(keys.map((key) => bench.jobs.get(key)));

describe('mirrors that may have missed an event', () => {
  it('are compared if a hook should have told of them, at a steady rate, pull mirrors later', async () => {
    const push = [await mirrored(), await mirrored(), await mirrored()];
    const pull = await mirrored({ direction: 'pull' });
    const others = [await mirrored({ isDriven: false }), await mirrored({ enabled: false })];
    expect(await compare(allMissed(shards, noon))).toBeNull();
    const asked = await stateOf([...push, pull]);
    for (const mirror of asked) expect(mirror?.queuedTrigger).toEqual(missedEventsTrigger);
    const starts = asked.map((mirror) => (mirror?.queuedFor ?? 0) - noon - (mirror?.direction === 'pull' ? limits.missedPullsLaterMs : 0));
    expect([...starts].sort((a, b) => a - b)).toEqual([0, 1, 2, 3].map((n) => (n * 1000) / limits.missedPerSecond));
    for (const mirror of await stateOf(others)) expect(mirror?.queuedAt).toBeNull();
  });

  it('are all asked for once where time is up again and again, also those that are due at the same millisecond', async () => {
    const made = [];
    // bench.made makes them due in an hour, all at the same time.
    for (let n = 0; n < 12; n++) made.push(await mirrored());
    let left: MissedEvents | null = allMissed(shards, noon);
    let looks = 0;
    for (; left !== null && looks < 60; looks++) {
      let seen = 0;
      // Two mirrors a look, those that are read again among them.
      left = await compare(left, () => seen++ >= 8);
      bench.clock.add(minute);
    }
    expect([left, looks > 1]).toEqual([null, true]);
    const asked = await stateOf(made);
    expect(asked.map((mirror) => [mirror?.requestedSeq, mirror?.queuedTrigger?.who])).toEqual(made.map(() => [1, 'missed events']));
  });

  it('that wait for a run already are not asked for again, those that run are', async () => {
    const [waiting, running] = [await mirrored(), await mirrored()];
    await bench.request(waiting);
    await bench.request(running);
    await bench.jobs.acquire(running, { token: 't', now: noon });
    // As every tick does first: it looks again at the lease in a minute.
    await tick({ time: noon, deadline: timeLeft() }, bench);
    await compare(allMissed(shards, noon));
    expect((await stateOf([waiting, running])).map((mirror) => mirror?.requestedSeq)).toEqual([1, 2]);
  });
});

describe('ticks', () => {
  const ticks = () => createTickRecords(createRecordTable({ dynamo: bench.aws.clients.dynamo, tableName: bench.aws.tableName }));
  const note = (part: number, now: number) => ticks().note(part, { now, gapMs: limits.tickGapMs, missed: allMissed([part], now) });

  it('that come every minute have missed nothing; after a gap everything is to be compared, until that is done', async () => {
    expect(await note(100, noon)).toEqual({ missed: null, awaySince: null });
    expect(await note(100, noon + 2 * minute)).toEqual({ missed: null, awaySince: null });
    const back = noon + 5 * minute;
    const missed = allMissed([100], back);
    expect(await note(100, back)).toEqual({ missed, awaySince: noon + 2 * minute });
    expect(await note(100, back + minute)).toEqual({ missed, awaySince: null });
    const left = { seen: { 100: 5 }, next: back + 7 };
    await ticks().leaveMissed(100, missed, left);
    expect(await note(100, back + 2 * minute)).toEqual({ missed: left, awaySince: null });
    await ticks().leaveMissed(100, left, null);
    expect(await note(100, back + 3 * minute)).toEqual({ missed: null, awaySince: null });
  });

  it('do not forget what was found out while they compared', async () => {
    const missed = allMissed([101], noon);
    await note(101, noon);
    await ticks().setMissed(101, missed);
    const anew = allMissed([101], noon + minute);
    await ticks().setMissed(101, anew);
    await ticks()
      .leaveMissed(101, missed, null)
      .catch(() => undefined);
    expect((await note(101, noon + minute)).missed).toEqual(anew);
  });

  it('all learn of events that webhooks had to turn away', async () => {
    await noteMissedEvents({ ticks: ticks(), clock: bench.clock, log: bench.log });
    for (const part of [0, dueShards - 1]) expect((await note(part, noon)).missed).toEqual(allMissed(shards, noon));
    expect(bench.events('events_missed')).toHaveLength(1);
  });
});
