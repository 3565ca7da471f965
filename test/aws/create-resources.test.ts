import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AwsClients } from '../../lib/aws/clients.ts';
import { createResources } from '../../lib/aws/create-resources.ts';
import { tableDefinition } from '../../lib/aws/table/table.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { startJsonServer } from '../support/json-server.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.close());

async function indexesOf(tableName: string): Promise<(string | undefined)[] | undefined> {
  const { Table: table } = await aws.clients.dynamo.send(new DescribeTableCommand({ TableName: tableName }));
  return table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort();
}

/** As an older version made it: without the index `list`. */
function olderDefinition(tableName: string) {
  const definition = tableDefinition(tableName);
  return {
    ...definition,
    AttributeDefinitions: definition.AttributeDefinitions?.filter(({ AttributeName }) => !AttributeName?.startsWith('list_')),
    GlobalSecondaryIndexes: definition.GlobalSecondaryIndexes?.filter(({ IndexName }) => IndexName !== 'list'),
  };
}

describe('createResources', () => {
  it('makes the table with its indexes, and a queue that the SDK reaches through AWS_ENDPOINT_URL_SQS', async () => {
    expect(await indexesOf(aws.tableName)).toEqual(['by_credential', 'due', 'list', 'overview']);
    await aws.clients.sqs.send(new SendMessageCommand({ QueueUrl: aws.queueUrl, MessageBody: 'x' }));
    const { Messages: messages } = await aws.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: aws.queueUrl }));
    expect(messages?.map(({ Body }) => Body)).toEqual(['x']);
  });

  it('leaves a table and a queue that exist as they are', async () => {
    const name = aws.queueUrl.split('/').at(-1) ?? '';
    expect(await createResources(aws.clients, aws.tableName, name)).toBe(aws.queueUrl);
  });

  it('adds an index that the table of an older version lacks, or says that it cannot', async () => {
    await aws.clients.dynamo.send(new CreateTableCommand(olderDefinition('older')));
    const outcome = await createResources(aws.clients, 'older', 'older').catch((error: unknown) => error);
    if (process.env['GITFERRY_TEST_AWS'] === 'moto') expect(await indexesOf('older')).toEqual(['by_credential', 'due', 'list', 'overview']);
    else expect(outcome).toMatchObject({ code: 'storage_unavailable', detail: expect.stringContaining('list') });
  });

  it('waits until DynamoDB has made the index', async () => {
    const answers = ['none', 'none', 'CREATING', 'ACTIVE'];
    const server = await startJsonServer((operation) => {
      if (operation !== 'DescribeTable') return { status: 200, body: {} };
      const isAsked = server.calls.some((call) => call.operation === 'UpdateTable');
      const state = isAsked ? (answers.shift() ?? 'ACTIVE') : 'none';
      const others = ['due', 'by_credential', 'overview'].map((IndexName) => ({ IndexName, IndexStatus: 'ACTIVE' }));
      const indexes = state === 'none' ? others : [...others, { IndexName: 'list', IndexStatus: state }];
      return { status: 200, body: { Table: { TableStatus: 'ACTIVE', GlobalSecondaryIndexes: indexes } } };
    });
    const options = { endpoint: server.origin, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
    const plain = new DynamoDBClient(options);
    const clients: AwsClients = { ...aws.clients, dynamo: DynamoDBDocumentClient.from(plain) };
    await createResources(clients, 't', 'made-meanwhile');
    const [update, ...rest] = server.calls.filter(({ operation }) => operation === 'UpdateTable');
    expect(rest).toEqual([]);
    expect(update?.input).toMatchObject({
      AttributeDefinitions: [
        { AttributeName: 'pk' },
        { AttributeName: 'sk' },
        { AttributeName: 'list_bucket' },
        { AttributeName: 'list_id' },
      ],
      GlobalSecondaryIndexUpdates: [{ Create: { IndexName: 'list', Projection: { ProjectionType: 'ALL' } } }],
    });
    // Asked for until it was there, and for time to live.
    expect(answers).toEqual([]);
    expect(server.calls.filter(({ operation }) => operation === 'UpdateTimeToLive')).toHaveLength(1);
    plain.destroy();
    await server.close();
  });
});
