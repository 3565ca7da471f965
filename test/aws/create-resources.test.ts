import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResources } from '../../lib/aws/create-resources.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.close());

describe('createResources', () => {
  it('makes the table with its indexes, and a queue that the SDK reaches through AWS_ENDPOINT_URL_SQS', async () => {
    const { Table: table } = await aws.clients.dynamo.send(new DescribeTableCommand({ TableName: aws.tableName }));
    expect(table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort()).toEqual(['by_credential', 'due', 'list']);
    await aws.clients.sqs.send(new SendMessageCommand({ QueueUrl: aws.queueUrl, MessageBody: 'x' }));
    const { Messages: messages } = await aws.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: aws.queueUrl }));
    expect(messages?.map(({ Body }) => Body)).toEqual(['x']);
  });

  it('leaves a table and a queue that exist as they are', async () => {
    const name = aws.queueUrl.split('/').at(-1) ?? '';
    expect(await createResources(aws.clients, aws.tableName, name)).toBe(aws.queueUrl);
  });
});
