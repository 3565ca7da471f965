import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { createRecordTable, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { serviceLimits } from '../../../lib/core/service-limits.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { callsOf } from '../../support/counted-calls.ts';
import { createHeldClock } from '../../support/held-clock.ts';
import { sampleRefs, sampleRun } from '../../support/sample-records.ts';

let aws: TestAws;
let table: RecordTable;
let records: Records;
const now = 1_700_000_000_000;
const clock = createHeldClock(now);
let mirrorId = 0;

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock };
  table = createRecordTable(input);
  records = createRecords(input);
});
afterAll(() => aws.close());

describe('a run', () => {
  it.each([0, 3, 500, 2500, serviceLimits.runRefs])('is read as it was written, with %i refs', async (count) => {
    const run = sampleRun({
      startedAt: now,
      refs: sampleRefs(count),
      error: { code: 'refs_rejected', message: 'm', hint: 'h' },
      notes: ['a note'],
      outcome: 'partial',
    });
    await records.runs.put(++mirrorId, run);
    expect(await records.runs.get(mirrorId, run.id)).toEqual(run);
  });

  it('keeps the first 10,000 refs and counts all; long names and reasons fit too', async () => {
    const refs = sampleRefs(serviceLimits.runRefs + 5).map((ref, index) => ({
      ...ref,
      ref: `${ref.ref}/${'é'.repeat(300)}`,
      reason: `${index} ${'r'.repeat(200)}`,
    }));
    const run = sampleRun({ startedAt: now, refs, refsTotal: 123_456 });
    await records.runs.put(++mirrorId, run);
    const read = await records.runs.get(mirrorId, run.id);
    expect(read?.refs).toEqual(refs.slice(0, serviceLimits.runRefs));
    expect(read?.refsTotal).toBe(123_456);
  });

  it('fits however long its message and notes are', async () => {
    const error = { code: 'refs_rejected', message: 'é'.repeat(300_000), hint: 'h' } as const;
    const run = sampleRun({ startedAt: now, error, notes: Array.from({ length: 500 }, () => 'n'.repeat(5000)), refs: sampleRefs(300) });
    await records.runs.put(++mirrorId, run);
    const read = await records.runs.get(mirrorId, run.id);
    expect(read?.error?.message.length).toBeGreaterThan(10_000);
    expect(read?.error).toMatchObject({ code: 'refs_rejected', hint: 'h' });
    expect(read?.refs).toEqual(run.refs);
  });

  it('replaces one of the same id, unless it may not', async () => {
    const long = sampleRun({ startedAt: now, refs: sampleRefs(2500) });
    const short = sampleRun({ startedAt: now, refs: sampleRefs(2), outcome: 'failed' });
    await records.runs.put(++mirrorId, long);
    await records.runs.putIfAbsent(mirrorId, sampleRun({ startedAt: now, refs: sampleRefs(2600), bytes: 9 }));
    expect(await records.runs.get(mirrorId, long.id)).toEqual(long);
    await records.runs.put(mirrorId, short);
    expect(await records.runs.get(mirrorId, long.id)).toEqual(short);
    await records.runs.putIfAbsent(mirrorId + 1, short);
    expect(await records.runs.get(++mirrorId, short.id)).toEqual(short);
  });

  it('is of one mirror only, and may be unknown', async () => {
    const run = sampleRun({ startedAt: now });
    await records.runs.put(++mirrorId, run);
    expect(await records.runs.get(mirrorId + 1000, run.id)).toBeUndefined();
    expect(await records.runs.get(mirrorId, 'unknown')).toBeUndefined();
    expect(await records.runs.get(mirrorId, `${run.id}x`)).toBeUndefined();
  });

  it('expires after 90 days, with its refs, and is not shown from then on', async () => {
    const run = sampleRun({ startedAt: now, refs: sampleRefs(2500) });
    await records.runs.put(++mirrorId, run);
    const seconds = Math.floor(now / 1000) + 90 * 86_400;
    expect((await table.get(keys.run(mirrorId, run.id)))?.['expires_at']).toBe(seconds);
    expect((await table.get(keys.runRefs(mirrorId, run.id, 0)))?.['expires_at']).toBe(seconds);
    await records.runs.put(mirrorId, sampleRun({ startedAt: now + 1000 }));
    clock.advance(90 * 86_400_000);
    expect(await records.runs.get(mirrorId, run.id)).toBeUndefined();
    expect(await records.runs.list(mirrorId, { page: 1, perPage: 10 })).toMatchObject({ total: 1 });
    expect(await records.runs.list(mirrorId, { page: 1, perPage: 10, sort: 'asc' })).toMatchObject({ total: 1 });
    clock.advance(-90 * 86_400_000);
    expect(await records.runs.list(mirrorId, { page: 1, perPage: 10 })).toMatchObject({ total: 2 });
  });
});

describe('a record of an earlier version', () => {
  it('with its refs and LFS failures in the same item is read as before, alone and in a list', async () => {
    const refs = sampleRefs(300);
    const lfsFailures = [{ oid: 'a'.repeat(64), size: 3, code: 'lfs_object_missing', reason: 'gone', path: 'a.bin' }];
    const run = sampleRun({ startedAt: now, refs, lfsFailures });
    await records.runs.put(++mirrorId, run);
    const item = await table.get(keys.run(mirrorId, run.id));
    const { ref_chunks: _chunks, ...rest } = item ?? {};
    expect(rest).not.toHaveProperty('refs');
    await table.put({ ...rest, refs: JSON.stringify(refs), lfs_failures: JSON.stringify(lfsFailures) });
    await table.removeMany([keys.runRefs(mirrorId, run.id, 0), keys.runLfs(mirrorId, run.id, 0)]);
    expect(await records.runs.get(mirrorId, run.id)).toEqual(run);
    const { items } = await records.runs.list(mirrorId, { page: 1, perPage: 10 });
    expect(items).toMatchObject([{ id: run.id, outcome: 'success' }]);
  });
});

describe('a page of runs', () => {
  const page = (number: number) => callsOf(aws.clients.dynamo, () => records.runs.list(mirrorId, { page: number, perPage: 20 }));

  it('takes three requests however many runs there are and however much each had to say', async () => {
    mirrorId++;
    const refs = sampleRefs(200);
    const lfsFailures = Array.from({ length: 200 }, (_, index) => ({ oid: `${index}`, size: 1, code: 'c', reason: 'r'.repeat(200) }));
    for (let index = 0; index < 300; index++) {
      await records.runs.put(mirrorId, sampleRun({ startedAt: now + index, refs, lfsFailures }));
    }
    // 300 runs are read by one request, and counted.
    expect(await page(1)).toEqual(['QueryCommand', 'BatchGetItemCommand']);
    expect(await records.runs.list(mirrorId, { page: 2, perPage: 20 })).toMatchObject({ total: 300, hasNext: true });
  });

  it('takes no more where an earlier version wrote the records: then there is no total', async () => {
    mirrorId++;
    const refs = JSON.stringify(sampleRefs(240));
    expect(refs.length).toBeGreaterThan(25_000);
    for (let index = 0; index < 150; index++) {
      const run = sampleRun({ startedAt: now + index });
      await records.runs.put(mirrorId, run);
      await table.put({ ...(await table.get(keys.run(mirrorId, run.id))), ...keys.run(mirrorId, run.id), refs });
    }
    expect(await page(1)).toEqual(['QueryCommand', 'QueryCommand', 'BatchGetItemCommand']);
    const first = await records.runs.list(mirrorId, { page: 1, perPage: 20 });
    expect([first.items.length, first.total, first.hasNext]).toEqual([20, undefined, true]);
    const last = await records.runs.list(mirrorId, { page: 8, perPage: 20 });
    expect([last.items.length, last.total, last.hasNext]).toEqual([10, 150, false]);
  });
});

describe('the runs of a mirror', () => {
  it('are listed newest first, in pages, without their refs', async () => {
    mirrorId++;
    const runs = Array.from({ length: 23 }, (_, index) => sampleRun({ startedAt: now + index, bytes: index, refs: sampleRefs(400) }));
    for (const run of runs) await records.runs.put(mirrorId, run);
    await records.runs.put(mirrorId + 1, sampleRun({ startedAt: now }));
    const summaries = runs.map(({ refs: _refs, refsTotal: _total, lfsFailures: _failures, ...summary }) => summary).reverse();
    const pages = [];
    for (const page of [1, 2, 3, 4]) pages.push(await records.runs.list(mirrorId, { page, perPage: 10 }));
    expect(pages).toEqual([
      { items: summaries.slice(0, 10), total: 23, hasNext: true },
      { items: summaries.slice(10, 20), total: 23, hasNext: true },
      { items: summaries.slice(20), total: 23, hasNext: false },
      { items: [], total: 23, hasNext: false },
    ]);
    mirrorId++;
  });

  it('may be none', async () => {
    expect(await records.runs.list(999_999, { page: 1, perPage: 10 })).toEqual({ items: [], total: 0, hasNext: false });
  });
});
