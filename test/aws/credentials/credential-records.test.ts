import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';

let aws: TestAws;
let records: Records;

beforeAll(async () => {
  aws = await startTestAws();
  records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock });
});
afterAll(() => aws.close());

const credential = (name: string) => ({
  name,
  secretName: `secret of ${name}`,
  publicKey: null,
  allowedUrls: null,
  createdAt: 5,
  updatedAt: 5,
});

describe('a shared credential', () => {
  it('is what it was created as, and can be renamed', async () => {
    const made = await records.credentials.create(credential('one'));
    expect(made).toEqual({
      ...credential('one'),
      ...{ authMethod: 'password', settings: {}, expiresAt: null, renewingSince: null },
      id: expect.any(Number),
    });
    expect(await records.credentials.get(made.id)).toEqual(made);
    expect(await records.credentials.update(made.id, { updatedAt: 6 })).toEqual({ ...made, updatedAt: 6 });
    expect(await records.credentials.update(made.id, { name: 'two' })).toEqual({ ...made, name: 'two', updatedAt: 6 });
    expect(await records.credentials.update(made.id, {})).toEqual({ ...made, name: 'two', updatedAt: 6 });
  });

  it('is listed until it is deleted, and a change does not bring it back', async () => {
    const made = await records.credentials.create(credential('gone'));
    expect((await records.credentials.list({ page: 1, perPage: 100 })).items).toContainEqual(made);
    expect(await records.credentials.delete(made.id)).toBe(true);
    expect(await records.credentials.delete(made.id)).toBe(false);
    expect(await records.credentials.update(made.id, { name: 'x' })).toBeUndefined();
    expect(await records.credentials.get(made.id)).toBeUndefined();
    expect((await records.credentials.list({ page: 1, perPage: 100 })).items.map(({ id }) => id)).not.toContain(made.id);
  });

  it('is not counted as its own use', async () => {
    const made = await records.credentials.create(credential('unused'));
    expect(await records.mirrors.usesOfCredential(made.id)).toBe(0);
  });
});
