/** Makes the table and the queue where they do not exist yet: for the local service and the tests; on AWS, CloudFormation makes them. */
import { CreateTableCommand, ResourceInUseException, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import type { AwsClients } from './clients.ts';
import { tableDefinition } from './table.ts';

/** Resolves with the queue's URL. */
export async function createResources({ dynamo, sqs }: AwsClients, tableName: string, queueName: string): Promise<string> {
  try {
    await dynamo.send(new CreateTableCommand(tableDefinition(tableName)));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, { TableName: tableName });
  const { QueueUrl: url } = await sqs.send(new CreateQueueCommand({ QueueName: queueName, Attributes: { VisibilityTimeout: '5400' } }));
  if (url === undefined) throw new Error('the queue has no URL');
  return url;
}
