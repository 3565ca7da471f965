/** The few DynamoDB calls that records are made of, with every page read, every batch finished and every failure translated. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { GitferryError } from '../../core/errors.ts';
import type { Item } from './item.ts';
import { isConditionFailure, storageError } from './storage-error.ts';
import { type ItemKey, keys } from './table.ts';
import type { UpdateParts } from './update-expression.ts';

export interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
}

export interface RecordQuery {
  /** Of the key. */
  readonly condition: Condition;
  readonly index?: string;
  readonly filter?: string;
  /** Attributes; all without it. */
  readonly only?: readonly string[];
  readonly newestFirst?: boolean;
  /** Strongly consistent; not possible on an index. */
  readonly consistent?: boolean;
  /** Rows a request; more requests follow as long as rows are asked for. */
  readonly pageSize?: number;
}

export interface RowPage {
  readonly rows: readonly Item[];
  readonly isLast: boolean;
}

/** Rejects with `storage_unavailable` when the table cannot be reached. */
export interface RecordTable {
  /** Strongly consistent. */
  get(key: ItemKey): Promise<Item | undefined>;
  /** false = the condition did not hold. */
  put(item: Item, condition?: Condition): Promise<boolean>;
  /** The item as it is now; undefined = the condition did not hold. Names and values of the condition go with the update's. */
  update(key: ItemKey, parts: UpdateParts, condition: string): Promise<Item | undefined>;
  /** Resolves with what was there; undefined = nothing, or the condition did not hold. */
  remove(key: ItemKey, condition?: Condition): Promise<Item | undefined>;
  query(query: RecordQuery): AsyncGenerator<Item>;
  /** The same in the pieces that DynamoDB gives, one request each; at least one. */
  pages(query: RecordQuery): AsyncGenerator<RowPage>;
  /** The first page: one request. */
  first(query: RecordQuery & { readonly pageSize: number }): Promise<Item[]>;
  /** All that the query gives, in memory. */
  all(query: RecordQuery): Promise<Item[]>;
  /** Strongly consistent, in the order of the keys, without those that are gone. */
  getMany(keys: readonly ItemKey[]): Promise<Item[]>;
  removeMany(keys: readonly ItemKey[]): Promise<void>;
  /** A number that was never given before. */
  nextId(kind: string): Promise<number>;
  /** The last number that was given; 0 = none. */
  lastId(kind: string): Promise<number>;
}

/** DynamoDB's own limits. */
const batchGetItems = 100;
const batchWriteItems = 25;
/** What a batch leaves over (throttling, 16 MB) is asked for again this often. */
const batchAttempts = 6;

/** How often a write that depends on what was read is tried when others write at the same time. */
export const writeAttempts = 20;
export function contended(): GitferryError {
  return new GitferryError('storage_unavailable', { detail: '(others keep writing the same item)' });
}

export const exists = 'attribute_exists(pk)';
export const isNew: Condition = { expression: 'attribute_not_exists(pk)' };

export interface RecordTableInput {
  readonly dynamo: DynamoDBDocumentClient;
  readonly tableName: string;
}

export function createRecordTable({ dynamo, tableName }: RecordTableInput): RecordTable {
  const TableName = tableName;

  async function batches<T, R>(all: readonly T[], size: number, send: (batch: T[]) => Promise<{ done: R[]; left: T[] }>): Promise<R[]> {
    const results: R[] = [];
    for (let from = 0; from < all.length; from += size) {
      let batch = all.slice(from, from + size);
      for (let attempt = 1; batch.length > 0; attempt++) {
        if (attempt > batchAttempts) throw new GitferryError('storage_unavailable', { detail: '(throttled)' });
        if (attempt > 1) await sleep(25 * 2 ** attempt);
        const { done, left } = await translated(() => send(batch));
        results.push(...done);
        batch = left;
      }
    }
    return results;
  }

  return {
    async get(key) {
      const { Item: item } = await translated(() => dynamo.send(new GetCommand({ TableName, Key: key, ConsistentRead: true })));
      return item;
    },

    async put(item, condition) {
      const written = await conditional(() => dynamo.send(new PutCommand({ TableName, Item: item, ...conditionInput(condition) })));
      return written !== undefined;
    },

    async update(key, parts, condition) {
      const input = { TableName, Key: key, ...parts, ConditionExpression: condition, ReturnValues: 'ALL_NEW' as const };
      return (await conditional(() => dynamo.send(new UpdateCommand(input))))?.Attributes;
    },

    async remove(key, condition) {
      const input = { TableName, Key: key, ...conditionInput(condition), ReturnValues: 'ALL_OLD' as const };
      return (await conditional(() => dynamo.send(new DeleteCommand(input))))?.Attributes;
    },

    async *query(query) {
      for await (const { rows } of this.pages(query)) yield* rows;
    },

    async *pages(query) {
      const input = queryInput(query);
      let start: Item | undefined;
      do {
        const from = start === undefined ? {} : { ExclusiveStartKey: start };
        const page = await translated(() => dynamo.send(new QueryCommand({ TableName, ...input, ...from })));
        start = page.LastEvaluatedKey;
        yield { rows: page.Items ?? [], isLast: start === undefined };
      } while (start !== undefined);
    },

    async first(query) {
      const page = await translated(() => dynamo.send(new QueryCommand({ TableName, ...queryInput(query) })));
      return page.Items ?? [];
    },

    async all(query) {
      const items: Item[] = [];
      for await (const item of this.query(query)) items.push(item);
      return items;
    },

    async getMany(wanted) {
      const found = await batches(wanted, batchGetItems, async (batch) => {
        const answer = await dynamo.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: batch, ConsistentRead: true } } }));
        return {
          done: answer.Responses?.[TableName] ?? [],
          left: (answer.UnprocessedKeys?.[TableName]?.Keys ?? []) as ItemKey[],
        };
      });
      const byKey = new Map(found.map((item) => [`${item['pk']}\n${item['sk']}`, item]));
      return wanted.flatMap(({ pk, sk }) => byKey.get(`${pk}\n${sk}`) ?? []);
    },

    async removeMany(unwanted) {
      await batches(unwanted, batchWriteItems, async (batch) => {
        const requests = batch.map((key) => ({ DeleteRequest: { Key: key } }));
        const answer = await dynamo.send(new BatchWriteCommand({ RequestItems: { [TableName]: requests } }));
        const left = answer.UnprocessedItems?.[TableName] ?? [];
        return { done: [], left: left.flatMap((request) => (request.DeleteRequest?.Key as ItemKey | undefined) ?? []) };
      });
    },

    async nextId(kind) {
      // Counters come into being with their first number: the one update beside the settings that does not ask whether its item exists.
      const input = {
        UpdateExpression: 'ADD last_id :one',
        ExpressionAttributeValues: { ':one': 1 },
        ReturnValues: 'UPDATED_NEW' as const,
      };
      const { Attributes: now } = await translated(() => dynamo.send(new UpdateCommand({ TableName, Key: keys.counter(kind), ...input })));
      return Number(now?.['last_id']);
    },

    async lastId(kind) {
      return Number((await this.get(keys.counter(kind)))?.['last_id'] ?? 0);
    },
  };
}

function conditionInput(condition: Condition | undefined) {
  if (condition === undefined) return {};
  return {
    ConditionExpression: condition.expression,
    ...(condition.names === undefined ? {} : { ExpressionAttributeNames: condition.names }),
    ...(condition.values === undefined ? {} : { ExpressionAttributeValues: condition.values }),
  };
}

function queryInput({ condition, index, filter, only, newestFirst, consistent, pageSize }: RecordQuery) {
  const projected = Object.fromEntries((only ?? []).map((attribute, place) => [`#p${place}`, attribute]));
  const names = { ...condition.names, ...projected };
  return {
    KeyConditionExpression: condition.expression,
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(condition.values === undefined ? {} : { ExpressionAttributeValues: condition.values }),
    ...(only === undefined ? {} : { ProjectionExpression: Object.keys(projected).join(', ') }),
    ...(filter === undefined ? {} : { FilterExpression: filter }),
    ...(index === undefined ? {} : { IndexName: index }),
    ...(newestFirst ? { ScanIndexForward: false } : {}),
    ...(consistent ? { ConsistentRead: true } : {}),
    ...(pageSize === undefined ? {} : { Limit: pageSize }),
  };
}

async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw storageError(error);
  }
}

/** undefined = the condition did not hold. */
async function conditional<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw storageError(error);
  }
}
