import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import type { Records } from '../../../lib/model/records.ts';
import type { Activity } from '../../../lib/model/run.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { callsOf } from '../../support/counted-calls.ts';
import { createHeldClock } from '../../support/held-clock.ts';
import { sampleRefs } from '../../support/sample-records.ts';

let aws: TestAws;
let records: Records;
const now = 1_700_000_000_000;
const clock = createHeldClock(now);

beforeAll(async () => {
  aws = await startTestAws();
  records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock });
});
afterAll(() => aws.close());

function moves(at: number, count: number): Activity[] {
  return sampleRefs(count).map(({ reason: _reason, ...ref }) => ({ ...ref, at, mirrorId: 1, direction: 'push', runId: `${at}-x` }));
}
const add = (projectId: number, list: Activity[]) => records.activity.add(projectId, list[0]!.runId, list);

describe('the activity of a project', () => {
  it('shows the newest run first and its refs in their order, in pages across runs', async () => {
    const lists = [moves(now, 5), moves(now + 1, 1), moves(now + 2, 7)];
    for (const list of lists) await add(1, list);
    await add(2, moves(now + 9, 1));
    const all = [...lists].reverse().flat();
    for (const perPage of [1, 4, 13, 100]) {
      for (let page = 1; page <= Math.ceil(13 / perPage) + 1; page++) {
        const expected = all.slice((page - 1) * perPage, page * perPage);
        expect(await records.activity.list(1, { page, perPage })).toEqual({ items: expected, total: 13, hasNext: page * perPage < 13 });
      }
    }
  });

  it('shows runs of thousands of refs in their order, up to 10,000 of one run', async () => {
    const first = moves(now, 1);
    const many = moves(now + 1, 10_001);
    await add(3, first);
    await add(3, many);
    expect((await records.activity.list(3, { page: 1, perPage: 100 })).items).toEqual(many.slice(0, 100));
    for (const page of [2, 33, 67, 100]) {
      const { items, total, hasNext } = await records.activity.list(3, { page, perPage: 100 });
      expect(items).toEqual(many.slice((page - 1) * 100, page * 100));
      // The run's 10,001st is not kept; the other run makes it more than 10,000.
      expect([total, hasNext]).toEqual([undefined, true]);
    }
    expect(await records.activity.list(3, { page: 101, perPage: 100 })).toEqual({ items: first, total: undefined, hasNext: false });
  });

  it('is the same when a run is noted twice, and nothing when nothing moved', async () => {
    await add(4, moves(now, 3));
    await add(4, moves(now, 3));
    await records.activity.add(4, `${now + 1}-x`, []);
    expect((await records.activity.list(4, { page: 1, perPage: 10 })).total).toBe(3);
    expect(await records.activity.list(999, { page: 1, perPage: 10 })).toEqual({ items: [], total: 0, hasNext: false });
  });

  it('is read by three requests a page, however many runs moved however many refs', async () => {
    for (let index = 0; index < 80; index++) await add(6, moves(now + index, 400));
    const page = { page: 1, perPage: 20 };
    const calls = await callsOf(aws.clients.dynamo, () => records.activity.list(6, page));
    expect(calls.length).toBeLessThanOrEqual(3);
    expect((await records.activity.list(6, page)).items).toHaveLength(20);
  });

  it('is not shown after 90 days', async () => {
    await add(5, moves(now, 3));
    await add(5, moves(now + 60_000, 1));
    clock.advance(90 * 86_400_000);
    expect((await records.activity.list(5, { page: 1, perPage: 10 })).total).toBe(1);
    clock.advance(-90 * 86_400_000);
  });
});
