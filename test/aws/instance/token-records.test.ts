import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { createRecordTable, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { AccessToken } from '../../../lib/model/access-token.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';

let aws: TestAws;
let table: RecordTable;
let records: Records;
const now = 1_700_000_000_000;

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock };
  table = createRecordTable(input);
  records = createRecords(input);
});
afterAll(() => aws.close());

const token = (tokenHash: string, changes: Partial<AccessToken> = {}): Omit<AccessToken, 'id'> => ({
  name: 'a name',
  tokenHash,
  role: 'maintainer',
  projectIds: null,
  expiresAt: null,
  createdAt: now,
  ...changes,
});

describe('a token', () => {
  it.each([
    ['for all projects, for ever', {}],
    ['for some projects, for a while', { projectIds: [3, 1, 2], expiresAt: now + 1, role: 'reporter' as const }],
    ['for no project', { projectIds: [], role: 'owner' as const }],
    ['that has expired', { expiresAt: 5 }],
  ])('%s is found by its hash, by its id, and in the list', async (name, changes) => {
    const made = await records.tokens.create(token(`hash of ${name}`, changes));
    expect(made).toEqual({ ...token(`hash of ${name}`, changes), id: expect.any(Number) });
    expect(await records.tokens.find(made.tokenHash)).toEqual(made);
    expect(await records.tokens.get(made.id)).toEqual(made);
    expect((await records.tokens.list({ page: 1, perPage: 100 })).items).toContainEqual(made);
  });

  it('is deleted from the table a month after it expired, not before', async () => {
    await records.tokens.create(token('expiring', { expiresAt: now + 1 }));
    expect((await table.get(keys.token('expiring')))?.['expires_at']).toBe(now / 1000 + 1 + 30 * 86_400);
    await records.tokens.create(token('lasting'));
    expect(await table.get(keys.token('lasting'))).not.toHaveProperty('expires_at');
  });

  it('can be deleted once, and is gone at once', async () => {
    const made = await records.tokens.create(token('to delete'));
    expect(await records.tokens.delete(made.id)).toBe(true);
    expect(await records.tokens.delete(made.id)).toBe(false);
    expect(await records.tokens.find('to delete')).toBeUndefined();
    expect(await records.tokens.get(made.id)).toBeUndefined();
  });

  it('may be unknown', async () => {
    expect(await records.tokens.find('unknown')).toBeUndefined();
    expect(await records.tokens.get(999_999)).toBeUndefined();
    expect(await records.tokens.delete(999_999)).toBe(false);
  });

  it('does not replace another of the same hash', async () => {
    const first = await records.tokens.create(token('same'));
    await expect(records.tokens.create(token('same', { role: 'owner' }))).rejects.toThrow();
    expect(await records.tokens.find('same')).toEqual(first);
  });
});
