import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteExpiredItems } from '../../../lib/aws/table/expired-items.ts';
import { createRecordTable, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';

let aws: TestAws;
let table: RecordTable;
const now = 1_700_000_000_000;

beforeAll(async () => {
  aws = await startTestAws();
  table = createRecordTable({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
});
afterAll(() => aws.close());

describe('deleteExpiredItems', () => {
  it('deletes what has expired, in however many pages it lies, and nothing else', async () => {
    // More than the megabyte that one request reads.
    const data = 'x'.repeat(300_000);
    for (let index = 0; index < 6; index++) await table.put({ pk: `OLD#${index}`, sk: 'a', data, expires_at: now / 1000 - 1 });
    const kept = [
      { pk: 'NEW', sk: 'a', expires_at: now / 1000 },
      { pk: 'EVER', sk: 'a' },
    ];
    for (const item of kept) await table.put(item);
    expect(await deleteExpiredItems({ dynamo: aws.clients.dynamo, tableName: aws.tableName }, now)).toBe(6);
    expect(await table.getMany(kept.map(({ pk, sk }) => ({ pk, sk })))).toEqual(kept);
    for (let index = 0; index < 6; index++) expect(await table.get({ pk: `OLD#${index}`, sk: 'a' })).toBeUndefined();
    expect(await deleteExpiredItems({ dynamo: aws.clients.dynamo, tableName: aws.tableName }, now)).toBe(0);
  });

  it('fails as storage_unavailable where there is no table', async () => {
    await expect(deleteExpiredItems({ dynamo: aws.clients.dynamo, tableName: 'missing' }, now)).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });
});
