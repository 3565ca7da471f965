/** Makes the table and the queue where they do not exist yet: for the local service and the tests; on AWS, CloudFormation makes them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  DescribeTableCommand,
  type GlobalSecondaryIndex,
  ResourceInUseException,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { GitferryError } from '../core/errors.ts';
import type { AwsClients } from './clients.ts';
import { tableDefinition } from './table/table.ts';

/** A new index of a large table takes minutes. */
const indexMs = 10 * 60_000;

/**
 * Resolves with the queue's URL. What exists stays as it is, but a table of an older version gets the indexes it lacks. Rejects with
 * `storage_unavailable` where that cannot be done (dynalite cannot), otherwise with the SDK's own errors.
 */
export async function createResources({ dynamo, sqs }: AwsClients, tableName: string, queueName: string): Promise<string> {
  try {
    await dynamo.send(new CreateTableCommand(tableDefinition(tableName)));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, { TableName: tableName });
  // DynamoDB makes one index at a time.
  for (const index of tableDefinition(tableName).GlobalSecondaryIndexes ?? []) await ensureIndex(dynamo, tableName, index);
  await ensureTimeToLive(dynamo, tableName);
  return createQueue({ sqs }, queueName, 5400);
}

/** Resolves with its URL; one that exists stays as it is. Rejects with the SDK's errors. */
export async function createQueue({ sqs }: Pick<AwsClients, 'sqs'>, name: string, visibilitySeconds: number): Promise<string> {
  const input = { QueueName: name, Attributes: { VisibilityTimeout: String(visibilitySeconds) } };
  const { QueueUrl: url } = await sqs.send(new CreateQueueCommand(input));
  if (url === undefined) throw new Error('the queue has no URL');
  return url;
}

async function ensureIndex(dynamo: AwsClients['dynamo'], tableName: string, index: GlobalSecondaryIndex): Promise<void> {
  const state = () => stateOfIndex(dynamo, tableName, index.IndexName);
  const found = await state();
  if (found === 'ACTIVE') return;
  if (found === undefined) await addIndex(dynamo, tableName, index);
  for (const end = performance.now() + indexMs; performance.now() < end; await sleep(1000)) {
    if ((await state()) === 'ACTIVE') return;
  }
  throw withoutIndex(tableName, index, undefined);
}

async function addIndex(dynamo: AwsClients['dynamo'], tableName: string, index: GlobalSecondaryIndex): Promise<void> {
  const keyNames = ['pk', 'sk', ...(index.KeySchema ?? []).map(({ AttributeName }) => AttributeName)];
  const definitions = tableDefinition(tableName).AttributeDefinitions ?? [];
  const AttributeDefinitions = definitions.filter(({ AttributeName }) => keyNames.includes(AttributeName));
  try {
    const GlobalSecondaryIndexUpdates = [{ Create: index }];
    await dynamo.send(new UpdateTableCommand({ TableName: tableName, AttributeDefinitions, GlobalSecondaryIndexUpdates }));
  } catch (error) {
    // dynalite's answer.
    if (error instanceof Error && error.name === 'ValidationException') throw withoutIndex(tableName, index, error);
    throw error;
  }
}

function withoutIndex(tableName: string, { IndexName: name }: GlobalSecondaryIndex, cause: Error | undefined): GitferryError {
  return new GitferryError('storage_unavailable', {
    detail: `(the table ${tableName} has no index ${name})`,
    hint: 'The table was made by an older version, and this DynamoDB does not add the index: begin with an empty data folder, or add it as infra/ describes it.',
    cause,
  });
}

async function stateOfIndex(dynamo: AwsClients['dynamo'], tableName: string, indexName: string | undefined): Promise<string | undefined> {
  const { Table: table } = await dynamo.send(new DescribeTableCommand({ TableName: tableName }));
  return table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === indexName)?.IndexStatus;
}

/** Refused where it is on already, and unknown to dynalite; either is fine. */
async function ensureTimeToLive(dynamo: AwsClients['dynamo'], tableName: string): Promise<void> {
  try {
    const specification = { AttributeName: 'expires_at', Enabled: true };
    await dynamo.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification: specification }));
  } catch (error) {
    const expected = ['UnknownOperationException', 'ValidationException', 'AccessDeniedException'];
    if (!(error instanceof Error && expected.includes(error.name))) throw error;
  }
}
