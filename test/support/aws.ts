/** DynamoDB, SQS and Secrets Manager for a test file, with a table and a queue of their own, reached by the real SDK. */
import { randomUUID } from 'node:crypto';
import { type AwsClients, createAwsClients } from '../../lib/aws/clients.ts';
import { createResources } from '../../lib/aws/create-resources.ts';
import { startAwsEndpoints } from '../../lib/local/aws-endpoints.ts';
import { startMotoServer } from './moto-server.ts';

export interface TestAws {
  readonly clients: AwsClients;
  readonly tableName: string;
  readonly queueUrl: string;
  readonly secretPrefix: string;
  close(): Promise<void>;
}

/**
 * Sets the process's AWS variables: one per test file (vitest runs each in a process of its own). The embedded endpoints, or moto_server where
 * GITFERRY_TEST_AWS says `moto`.
 */
export async function startTestAws(): Promise<TestAws> {
  const endpoints = await (process.env['GITFERRY_TEST_AWS'] === 'moto' ? startMotoServer() : startAwsEndpoints());
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamoDb,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
  });
  const clients = createAwsClients();
  const tableName = `gitferry-${randomUUID()}`;
  const queueUrl = await createResources(clients, tableName, `gitferry-${randomUUID()}`);
  return {
    clients,
    tableName,
    queueUrl,
    secretPrefix: 'gitferry/test/',
    async close() {
      clients.close();
      await endpoints.close();
    },
  };
}
