import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import { createRecordTable, isNew, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { type JsonAnswer, type JsonServer, startJsonServer } from '../../support/json-server.ts';

let server: JsonServer | undefined;
let client: DynamoDBClient | undefined;
afterEach(async () => {
  client?.destroy();
  await server?.close();
  server = undefined;
});

async function tableAnswering(answer: Parameters<typeof startJsonServer>[0]): Promise<RecordTable> {
  server = await startJsonServer(answer);
  return tableAt(server.origin);
}
function tableAt(endpoint: string): RecordTable {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 2 });
  return createRecordTable({ dynamo: DynamoDBDocumentClient.from(client), tableName: 't' });
}

const fault = (name: string, status = 400): JsonAnswer => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'words of DynamoDB with the-request-id' },
});
const key = { pk: 'a', sk: 'b' };
const calls: [string, (table: RecordTable) => Promise<unknown>][] = [
  ['get', (table) => table.get(key)],
  ['put', (table) => table.put(key, isNew)],
  ['update', (table) => table.update(key, { UpdateExpression: 'REMOVE x', ExpressionAttributeNames: {} }, 'a = b')],
  ['remove', (table) => table.remove(key)],
  ['all', (table) => table.all({ condition: { expression: 'pk = :pk', values: { ':pk': 'a' } } })],
  ['getMany', (table) => table.getMany([key])],
  ['removeMany', (table) => table.removeMany([key])],
  ['nextId', (table) => table.nextId('x')],
  ['lastId', (table) => table.lastId('x')],
];

async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

describe('a call of the table', () => {
  it.each(calls)('%s fails as storage_unavailable when the table cannot be reached', async (_name, call) => {
    const error = await failureOf(call(tableAt('http://127.0.0.1:1')));
    expect(error).toBeInstanceOf(GitferryError);
    expect(error).toMatchObject({ code: 'storage_unavailable', cause: expect.any(Error) });
  });

  it.each([
    ['is throttled', fault('ProvisionedThroughputExceededException'), 'storage_unavailable'],
    ['is throttled by the account', fault('ThrottlingException'), 'storage_unavailable'],
    ['may not', fault('AccessDeniedException'), 'storage_unavailable'],
    ['finds no table', fault('ResourceNotFoundException'), 'storage_unavailable'],
    ['meets a failure of DynamoDB', fault('InternalServerError', 500), 'storage_unavailable'],
    ['is cut off', 'drop' as const, 'storage_unavailable'],
  ])('says so without DynamoDB’s own words when it %s', async (_case, answer, code) => {
    for (const [, call] of calls) {
      const error = await failureOf(call(await tableAnswering(() => answer)));
      expect(error).toMatchObject({ code, cause: expect.any(Error) });
      expect(error.message).not.toContain('the-request-id');
      client?.destroy();
      await server?.close();
    }
  });

  it('does not take a defect of ours for a failure of DynamoDB', async () => {
    for (const [, call] of calls) {
      const error = await failureOf(call(await tableAnswering(() => fault('ValidationException'))));
      expect(error).not.toBeInstanceOf(GitferryError);
      expect(error.name).toBe('ValidationException');
      client?.destroy();
      await server?.close();
    }
  });

  it('answers that a condition did not hold', async () => {
    const table = await tableAnswering(() => fault('ConditionalCheckFailedException'));
    expect(await table.put(key, isNew)).toBe(false);
    expect(await table.update(key, { UpdateExpression: 'REMOVE x', ExpressionAttributeNames: {} }, 'a = b')).toBeUndefined();
    expect(await table.remove(key, isNew)).toBeUndefined();
  });
});

describe('batches', () => {
  it('ask again for what was left over, and give everything in the order of the keys', async () => {
    const item = (name: string) => ({ pk: { S: name }, sk: { S: 'x' } });
    const table = await tableAnswering((_operation, input) => {
      const { t } = input['RequestItems'] as { t: { Keys: { pk: { S: string } }[] } };
      // One at a time, the last one first.
      const asked = t.Keys.map(({ pk }) => pk.S);
      const left = asked.slice(0, -1).map(item);
      const UnprocessedKeys = left.length === 0 ? {} : { t: { Keys: left } };
      return { status: 200, body: { Responses: { t: [item(asked.at(-1)!)] }, UnprocessedKeys } };
    });
    const wanted = ['a', 'b', 'c'].map((pk) => ({ pk, sk: 'x' }));
    expect(await table.getMany(wanted)).toEqual(wanted);
    expect(server?.calls).toHaveLength(3);
  });

  it('have DynamoDB’s sizes', async () => {
    const table = await tableAnswering(() => ({ status: 200, body: { Responses: {} } }));
    const many = Array.from({ length: 205 }, (_, index) => ({ pk: `${index}`, sk: 'x' }));
    expect(await table.getMany(many)).toEqual([]);
    const reads = server!.calls.map(({ input }) => (input['RequestItems'] as { t: { Keys: unknown[] } }).t.Keys.length);
    await table.removeMany(many.slice(0, 60));
    const writes = server!.calls.slice(reads.length).map(({ input }) => (input['RequestItems'] as { t: unknown[] }).t.length);
    expect([reads, writes]).toEqual([
      [100, 100, 5],
      [25, 25, 10],
    ]);
  });

  it('give up on a table that leaves everything over', async () => {
    const table = await tableAnswering((_operation, { RequestItems }) => ({ status: 200, body: { UnprocessedItems: RequestItems } }));
    expect(await failureOf(table.removeMany([key]))).toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('a query', () => {
  it('reads page after page, as far as its reader goes', async () => {
    const table = await tableAnswering((_operation, _input, before) => ({
      status: 200,
      body: { Items: [{ pk: { N: String(before) } }], ...(before < 3 ? { LastEvaluatedKey: { pk: { N: String(before) } } } : {}) },
    }));
    const query = { condition: { expression: 'pk = :pk', values: { ':pk': 'a' } } };
    expect(await table.all(query)).toEqual([{ pk: 0 }, { pk: 1 }, { pk: 2 }, { pk: 3 }]);
    expect(server!.calls[2]!.input['ExclusiveStartKey']).toEqual({ pk: { N: '1' } });
    for await (const _item of table.query(query)) break;
    expect(server!.calls).toHaveLength(5);
  });
});
