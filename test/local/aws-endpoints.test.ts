import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsClients, createAwsClients } from '../../lib/aws/clients.ts';
import { createResources } from '../../lib/aws/create-resources.ts';
import type { AwsEndpoints } from '../../lib/local/aws-endpoints.ts';
import { startAwsEndpointsThread } from '../../lib/local/aws-endpoints-thread.ts';
import { type BundledModule, bundleModule } from './bundled-module.ts';

type Origins = Omit<AwsEndpoints, 'close'>;
const tableName = 'gitferry';
let folder: string;
let worker: BundledModule;
let endpoints: BundledModule;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gitferry-endpoints-'));
  [worker, endpoints] = await Promise.all([bundleModule('lib/local/aws-endpoints-worker.ts'), bundleModule('lib/local/aws-endpoints.ts')]);
});
afterAll(() => {
  worker.remove();
  endpoints.remove();
  rmSync(folder, { recursive: true });
});

function clientsOf(origins: Origins, accessKeyId = 'test'): AwsClients {
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: origins.dynamoDb,
    AWS_ENDPOINT_URL_SQS: origins.sqs,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: origins.secretsManager,
  });
  return createAwsClients();
}

const item = (index: number) => ({ pk: 'PROJECT#1', sk: `MIRROR#${index}`, list_bucket: 'PROJECTS#0', list_id: index, text: 'ü' });

describe('the embedded AWS endpoints in a thread', () => {
  it('serve all three services, keep table and secrets over a restart, and close', async () => {
    const data = join(folder, 'thread');
    const first = await startAwsEndpointsThread(data, worker.url);
    let clients = clientsOf(first);
    const queueUrl = await createResources(clients, tableName, 'queue');
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'x' }));
    await clients.dynamo.send(new PutCommand({ TableName: tableName, Item: item(1) }));
    await clients.secrets.send(new CreateSecretCommand({ Name: 'n', SecretString: 's' }));
    clients.close();
    await first.close();
    await expect(fetch(first.dynamoDb)).rejects.toThrow();

    const second = await startAwsEndpointsThread(data, worker.url);
    clients = clientsOf(second);
    await createResources(clients, tableName, 'queue');
    expect((await clients.dynamo.send(new GetCommand({ TableName: tableName, Key: { pk: 'PROJECT#1', sk: 'MIRROR#1' } }))).Item).toEqual(
      item(1),
    );
    expect((await clients.secrets.send(new GetSecretValueCommand({ SecretId: 'n' }))).SecretString).toBe('s');
    clients.close();
    await second.close();
  });

  it('keep nothing without a folder', async () => {
    const started = await startAwsEndpointsThread(undefined, worker.url);
    const clients = clientsOf(started);
    await createResources(clients, tableName, 'queue');
    clients.close();
    await started.close();
  });

  it.each([
    [
      'a folder that another one is using',
      async (data: string) => {
        const other = await startAwsEndpointsThread(data, worker.url);
        return () => other.close();
      },
      'dynamodb',
    ],
    [
      'secrets that cannot be read',
      async (data: string) => {
        await (await startAwsEndpointsThread(data, worker.url)).close();
        writeFileSync(join(data, 'secrets.json'), 'x');
        return async () => {};
      },
      'secrets.json',
    ],
    [
      'a database that is damaged',
      async (data: string) => {
        await (await startAwsEndpointsThread(data, worker.url)).close();
        writeFileSync(join(data, 'dynamodb', 'CURRENT'), 'x');
        return async () => {};
      },
      'dynamodb',
    ],
    [
      'a file in place of the folder',
      async (data: string) => {
        writeFileSync(data, '');
        return async () => {};
      },
      'EEXIST',
    ],
  ])('do not start on %s, and say so', async (name, prepare, words) => {
    const data = join(folder, name.replaceAll(' ', '-'));
    const finish = await prepare(data);
    await expect(startAwsEndpointsThread(data, worker.url)).rejects.toThrow(words);
    await finish();
  });

  it('say so where the thread itself cannot be started', async () => {
    await expect(startAwsEndpointsThread(undefined, new URL('file:///no/such/worker.js'))).rejects.toThrow();
  });

  it('serve no page in a browser, and nobody without the access key, where there is one', async () => {
    const started = await startAwsEndpointsThread(undefined, worker.url, 'the key');
    const clients = clientsOf(started, 'the key');
    await createResources(clients, tableName, 'queue');
    await clients.dynamo.send(new PutCommand({ TableName: tableName, Item: item(1) }));
    clients.close();
    const others = clientsOf(started, 'another');
    const get = new GetCommand({ TableName: tableName, Key: { pk: 'PROJECT#1', sk: 'MIRROR#1' } });
    await expect(others.dynamo.send(get)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(others.sqs.send(new ListQueuesCommand({}))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    others.close();
    const authorization = 'AWS4-HMAC-SHA256 Credential=the key/20260101/local/sqs/aws4_request, SignedHeaders=host, Signature=none';
    for (const origin of [started.dynamoDb, started.sqs, started.secretsManager]) {
      const preflight = await statusOf(origin, { origin: 'https://evil.example', 'access-control-request-method': 'POST', authorization });
      expect(preflight).toEqual({ status: 403, allowed: undefined });
      // A page whose own name was bound to this address.
      for (const host of ['evil.example', `evil.example:${new URL(origin).port}`, 'localhost', '127.0.0.1'])
        expect(await statusOf(origin, { host, authorization }), host).toMatchObject({ status: 403 });
      expect(await statusOf(origin, { authorization })).not.toMatchObject({ status: 403 });
    }
    await started.close();
  });
});

describe('the data of the embedded endpoints', () => {
  it('survives a process that is killed', async () => {
    const data = join(folder, 'killed');
    const writer = await startChild(data);
    const clients = clientsOf(writer.origins);
    await createResources(clients, tableName, 'queue');
    let written = 0;
    // Killed in the middle of writing; what was answered until then must be there.
    const writing = (async () => {
      for (; written < 100_000; written++) {
        await clients.dynamo.send(new PutCommand({ TableName: tableName, Item: item(written) }));
        if (written % 20 === 0) await clients.secrets.send(new CreateSecretCommand({ Name: `n${written}`, SecretString: 's' }));
      }
    })().catch(() => undefined);
    await expect.poll(() => written, { timeout: 30_000 }).toBeGreaterThan(100);
    writer.child.kill('SIGKILL');
    await once(writer.child, 'exit');
    await writing;
    clients.close();

    const reader = await startChild(data);
    const again = clientsOf(reader.origins);
    await createResources(again, tableName, 'queue');
    const query = { TableName: tableName, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'PROJECT#1' } };
    const { Count: count = 0 } = await again.dynamo.send(new QueryCommand({ ...query, Select: 'COUNT' }));
    expect(count).toBeGreaterThanOrEqual(written);
    const { Count: listed } = await again.dynamo.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: 'list',
        KeyConditionExpression: 'list_bucket = :bucket',
        ExpressionAttributeValues: { ':bucket': 'PROJECTS#0' },
        Select: 'COUNT',
      }),
    );
    expect(listed).toBe(count);
    expect((await again.secrets.send(new GetSecretValueCommand({ SecretId: 'n100' }))).SecretString).toBe('s');
    again.close();
    reader.child.kill('SIGKILL');
    await once(reader.child, 'exit');
  });
});

/** The endpoints in a process of their own. */
async function startChild(data: string): Promise<{ child: ChildProcess; origins: Origins }> {
  const script = `
    const { startAwsEndpoints } = await import(${JSON.stringify(endpoints.url.href)});
    console.log(JSON.stringify(await startAwsEndpoints(${JSON.stringify(data)})));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return { child, origins: JSON.parse(line) as Origins };
}

function statusOf(url: string, headers: Record<string, string>): Promise<{ status: number | undefined; allowed: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'OPTIONS', headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, allowed: response.headers['access-control-allow-origin'] });
    });
    sent.on('error', reject);
    sent.end();
  });
}
