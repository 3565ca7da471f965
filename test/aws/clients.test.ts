import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAwsClients } from '../../lib/aws/clients.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { startEndpointProxy } from '../torture/endpoint-proxy.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.close());

it('An endpoint that takes a call and never answers is asked again, and then given up', async () => {
  const proxy = await startEndpointProxy(process.env['AWS_ENDPOINT_URL_DYNAMODB'] ?? '');
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = proxy.url;
  const { dynamo, close } = createAwsClients();
  const get = new GetCommand({ TableName: aws.tableName, Key: { pk: 'a', sk: 'b' } });
  let calls = 0;
  proxy.hooks = { before: () => (++calls > 1 ? undefined : 'silence') };
  try {
    expect(await dynamo.send(get, { requestTimeout: 1_000 })).toMatchObject({ $metadata: { attempts: 2 } });
    proxy.hooks = { before: () => 'silence' };
    await expect(dynamo.send(get, { requestTimeout: 50 })).rejects.toMatchObject({ name: 'TimeoutError' });
  } finally {
    close();
    await proxy.close();
  }
});
