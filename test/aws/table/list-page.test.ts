import { BatchWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newProjectItem } from '../../../lib/aws/projects/project-item.ts';
import { createRecords } from '../../../lib/aws/records.ts';
import { createRecordTable, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys, listAttributes } from '../../../lib/aws/table/table.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { PageRequest, Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { callsOf } from '../../support/counted-calls.ts';
import { sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let table: RecordTable;
let records: Records;
/** Four partitions of the index, one of them empty and one with gaps. */
const ids = [
  ...Array.from({ length: 40 }, (_, index) => 960 + index),
  ...Array.from({ length: 25 }, (_, index) => 1000 + index * 7),
  ...Array.from({ length: 30 }, (_, index) => 3000 + index),
];
const descending = [...ids].reverse();

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock };
  table = createRecordTable(input);
  records = createRecords(input);
  for (const id of ids) await table.put(newProjectItem(id, sampleProject(), 1));
  await setCounter('project', 3100);
});
afterAll(() => aws.close());

async function setCounter(kind: string, value: number): Promise<void> {
  const update = { UpdateExpression: 'SET last_id = :id', ExpressionAttributeValues: { ':id': value } };
  await aws.clients.dynamo.send(new UpdateCommand({ TableName: aws.tableName, Key: keys.counter(kind), ...update }));
}

async function listed(page: PageRequest, onlyIds?: readonly number[]) {
  const { items, ...rest } = await records.projects.list(page, onlyIds);
  return { ...rest, ids: items.map(({ id }) => id) };
}

describe('a list in pages', () => {
  it.each([
    ['the first page', { page: 1, perPage: 20 }, ids.slice(0, 20), true],
    ['one across partitions', { page: 3, perPage: 20 }, ids.slice(40, 60), true],
    ['one across an empty partition', { page: 4, perPage: 20 }, ids.slice(60, 80), true],
    ['the last one, not full', { page: 5, perPage: 20 }, ids.slice(80), false],
    ['the last one, full', { page: 5, perPage: 19 }, ids.slice(76), false],
    ['one beyond the end', { page: 6, perPage: 20 }, [], false],
    ['one far beyond the end', { page: 1_000_000, perPage: 100 }, [], false],
    ['one of one', { page: 41, perPage: 1 }, [1000], true],
    ['all at once', { page: 1, perPage: 100 }, ids, false],
    ['the newest', { page: 1, perPage: 20, sort: 'desc' as const }, descending.slice(0, 20), true],
    ['the next of the newest', { page: 2, perPage: 20, sort: 'desc' as const }, descending.slice(20, 40), true],
    ['the oldest at the end', { page: 5, perPage: 20, sort: 'desc' as const }, descending.slice(80), false],
  ])('gives %s', async (_case, page, expected, hasNext) => {
    const { total, ...rest } = await listed(page);
    expect(rest).toEqual({ ids: expected, hasNext });
    // Counted where the end is near: two partitions are read anyway.
    expect(total).toBe(expected.includes(3000) || !hasNext || page.page === 4 ? 95 : undefined);
  });

  it.each([
    ['from the start', { idAfter: 0 }, ids.slice(0, 20), true],
    ['after one that is there', { idAfter: 979 }, ids.slice(20, 40), true],
    ['after one that is gone', { idAfter: 1001 }, ids.slice(41, 61), true],
    ['after the end of a partition', { idAfter: 999 }, ids.slice(40, 60), true],
    ['after the last but one', { idAfter: 3028 }, [3029], false],
    ['after the last', { idAfter: 3029 }, [], false],
    ['after what will be', { idAfter: 1_000_000_000 }, [], false],
    ['after a negative number', { idAfter: -5 }, ids.slice(0, 20), true],
    ['downwards from the end', { idAfter: 1_000_000_000, sort: 'desc' as const }, descending.slice(0, 20), true],
    ['downwards', { idAfter: 1000, sort: 'desc' as const }, descending.slice(55, 75), true],
    ['downwards to the end', { idAfter: 961, sort: 'desc' as const }, [960], false],
    ['downwards beyond the end', { idAfter: 0, sort: 'desc' as const }, [], false],
  ])('goes %s by keyset, without a total, whatever the page', async (_case, keyset, expected, hasNext) => {
    expect(await listed({ page: 7, perPage: 20, ...keyset })).toEqual({ ids: expected, total: undefined, hasNext });
  });

  it('visits everything exactly once by keyset', async () => {
    const seen: number[] = [];
    for (let after = 0; ; ) {
      const { ids: page, hasNext } = await listed({ page: 1, perPage: 9, idAfter: after });
      seen.push(...page);
      after = page.at(-1) ?? after;
      if (!hasNext) break;
    }
    expect(seen).toEqual(ids);
  });

  it.each([
    ['all of them', { page: 1, perPage: 20 }, [3000, 960, 1007], [960, 1007, 3000], false, 3],
    ['those that exist', { page: 1, perPage: 20 }, [3000, 5, 960, 960], [960, 3000], false, 2],
    ['none', { page: 1, perPage: 20 }, [], [], false, 0],
    ['the first page of many', { page: 1, perPage: 50 }, ids, ids.slice(0, 50), true, 95],
    ['the second page of many', { page: 2, perPage: 50 }, ids, ids.slice(50), false, 95],
    ['downwards', { page: 1, perPage: 2, sort: 'desc' as const }, [960, 961, 962], [962, 961], true, 3],
    ['by keyset', { page: 9, perPage: 1, idAfter: 960 }, [960, 961, 962], [961], true, 2],
  ])('can be limited to some ids: %s', async (_case, page, onlyIds, expected, hasNext, total) => {
    expect(await listed(page, onlyIds)).toEqual({ ids: expected, total, hasNext });
  });

  it('counts to the end, 10,000 at most, where a page is near it, and takes no more than three queries for one at the beginning', async () => {
    const last = 10_000;
    const { dynamo } = aws.clients;
    for (let first = 1; first <= last; first += 25) {
      const requests = Array.from({ length: 25 }, (_, index) => first + index).map((id) => ({
        PutRequest: { Item: { ...keys.credential(id), ...listAttributes('CREDENTIALS', id), id } },
      }));
      await dynamo.send(new BatchWriteCommand({ RequestItems: { [aws.tableName]: requests } }));
    }
    await setCounter('credential', last);
    expect(await records.credentials.list({ page: 100, perPage: 100 })).toMatchObject({ total: 10_000, hasNext: false });
    const made = await records.credentials.create({ name: 'one more', secretName: 's', createdAt: 1, updatedAt: 1 });
    const first = await records.credentials.list({ page: 1, perPage: 2 });
    expect(first).toMatchObject({ total: undefined, hasNext: true, items: [{ id: 1 }, { id: 2 }] });
    expect(await records.credentials.list({ page: 101, perPage: 100 })).toEqual({ items: [made], total: undefined, hasNext: false });
    const calls = await callsOf(aws.clients.dynamo, () => records.credentials.list({ page: 1, perPage: 20 }));
    expect(calls).toEqual(['GetItemCommand', 'QueryCommand', 'QueryCommand', 'BatchGetItemCommand']);
    const newest = await records.credentials.list({ page: 1, perPage: 2, sort: 'desc' });
    expect(newest.items.map(({ id }) => id)).toEqual([10_001, 10_000]);
  });

  it('is empty where there is nothing', async () => {
    expect(await records.tokens.list({ page: 1, perPage: 20 })).toEqual({ items: [], total: 0, hasNext: false });
    expect(await records.tokens.list({ page: 1, perPage: 20, idAfter: 0 })).toEqual({ items: [], total: undefined, hasNext: false });
  });
});
