import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SecretsEndpoint, startSecretsEndpoint } from '../../lib/local/secrets-endpoint.ts';
import { withoutExpired } from '../../lib/local/secrets-state.ts';

let folder: string;
let endpoint: SecretsEndpoint;
let client: SecretsManagerClient;

async function start(accessKeyId?: string): Promise<void> {
  endpoint = await startSecretsEndpoint(folder, accessKeyId);
  client = clientOf('key');
}
async function stop(): Promise<void> {
  client.destroy();
  await endpoint.close();
}
function clientOf(accessKeyId: string): SecretsManagerClient {
  const credentials = { accessKeyId, secretAccessKey: 'x' };
  return new SecretsManagerClient({ endpoint: endpoint.origin, region: 'us-east-1', credentials, maxAttempts: 1 });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gitferry-secrets-'));
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

const create = (Name: string, SecretString = 'value') => client.send(new CreateSecretCommand({ Name, SecretString }));
const read = async (SecretId: string) => (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;

describe('the Secrets Manager endpoint', () => {
  it('keeps what is created and put, also over a restart', async () => {
    const { ARN: arn, VersionId: first } = await create('a/one', '{"p":"1"}');
    expect(arn).toMatch(/^arn:aws:secretsmanager:.*:secret:a\/one-/);
    expect(await read('a/one')).toBe('{"p":"1"}');
    const { VersionId: second } = await client.send(new PutSecretValueCommand({ SecretId: 'a/one', SecretString: '2' }));
    expect(second).not.toBe(first);
    await create('b/two', 'other');
    await stop();
    await start();
    expect(await read('a/one')).toBe('2');
    expect(await read('b/two')).toBe('other');
  });

  it('reserves the name of a deleted secret for the days in which it could be restored', async () => {
    await create('gone');
    const { DeletionDate: date } = await client.send(new DeleteSecretCommand({ SecretId: 'gone', RecoveryWindowInDays: 7 }));
    expect(date!.getTime() - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
    for (const command of [
      () => read('gone'),
      () => client.send(new PutSecretValueCommand({ SecretId: 'gone', SecretString: 'x' })),
      () => client.send(new DeleteSecretCommand({ SecretId: 'gone' })),
      () => create('gone'),
    ]) {
      await expect(command()).rejects.toMatchObject({ name: 'InvalidRequestException' });
    }
    const state = { gone: { name: 'gone', arn: 'a', createdAt: 1, changedAt: 1, deletionAt: 2_000, current: { id: 'v', text: 'x' } } };
    expect(withoutExpired(state, 1_999)).toEqual(state);
    expect(withoutExpired(state, 2_000)).toEqual({});
  });

  it('takes the same request twice, but not another under the same token', async () => {
    const token = '0'.repeat(32);
    const input = { Name: 'once', SecretString: 'x', ClientRequestToken: token };
    const { ARN: arn } = await client.send(new CreateSecretCommand(input));
    expect((await client.send(new CreateSecretCommand(input))).ARN).toBe(arn);
    await expect(client.send(new CreateSecretCommand({ ...input, SecretString: 'y' }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    });
    const put = { SecretId: 'once', SecretString: 'z', ClientRequestToken: '1'.repeat(32) };
    await client.send(new PutSecretValueCommand(put));
    await client.send(new PutSecretValueCommand(put));
    await expect(client.send(new PutSecretValueCommand({ ...put, SecretString: 'q' }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    });
    expect(await read('once')).toBe('z');
  });

  it('keeps every one of many written at once', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => create(`many/${index}`, `${index}`)));
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        client.send(new PutSecretValueCommand({ SecretId: `many/${index}`, SecretString: `new ${index}` })),
      ),
    );
    await stop();
    await start();
    expect(await Promise.all(Array.from({ length: 40 }, (_, index) => read(`many/${index}`)))).toEqual(
      Array.from({ length: 40 }, (_, index) => `new ${index}`),
    );
  });

  it.each([
    ['an unknown secret', () => read('no/such'), 'ResourceNotFoundException'],
    ['a name that an object has by itself', () => read('constructor'), 'ResourceNotFoundException'],
    [
      'an update of an unknown secret',
      () => client.send(new PutSecretValueCommand({ SecretId: 'no', SecretString: 'x' })),
      'ResourceNotFoundException',
    ],
    ['a name with a space', () => create('a b'), 'ValidationException'],
    ['a value that is too long', () => create('long', 'x'.repeat(65_537)), 'ValidationException'],
    [
      'a recovery of six days',
      () => client.send(new DeleteSecretCommand({ SecretId: 'x', RecoveryWindowInDays: 6 })),
      'InvalidParameterException',
    ],
  ])('refuses %s as AWS does', async (_case, call, name) => {
    await expect(call()).rejects.toMatchObject({ name });
  });

  it.each([
    ['an unknown operation', { target: 'secretsmanager.Nothing', body: '{}' }, 400, 'UnknownOperationException'],
    ['another service', { target: 'DynamoDB_20120810.GetItem', body: '{}' }, 400, 'UnknownOperationException'],
    ['no operation', { body: '{}' }, 400, 'UnknownOperationException'],
    ['a body that is no JSON', { target: 'secretsmanager.GetSecretValue', body: '{' }, 400, 'SerializationException'],
    ['a body that is no object', { target: 'secretsmanager.GetSecretValue', body: '[1]' }, 400, 'SerializationException'],
    [
      'a name that is no text',
      { target: 'secretsmanager.CreateSecret', body: '{"Name":1,"SecretString":"x"}' },
      400,
      'ValidationException',
    ],
    [
      'a value that is no text',
      { target: 'secretsmanager.CreateSecret', body: '{"Name":"n","SecretString":{}}' },
      400,
      'ValidationException',
    ],
    ['a body without end', { target: 'secretsmanager.CreateSecret', body: 'x'.repeat(600_000) }, 413, 'RequestTooLargeException'],
    [
      'a page in a browser',
      { target: 'secretsmanager.GetSecretValue', body: '{}', origin: 'https://evil.example' },
      403,
      'AccessDeniedException',
    ],
  ])('answers %s', async (_case, { target, body, origin }: { target?: string; body: string; origin?: string }, status, type) => {
    const answer = await post(endpoint.origin, body, {
      ...(target === undefined ? {} : { 'x-amz-target': target }),
      ...(origin === undefined ? {} : { origin }),
    });
    expect(answer).toEqual({ status, type });
    await expect(read('n')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('serves only who names the access key, where there is one', async () => {
    await stop();
    await start('the key');
    await expect(read('x')).rejects.toMatchObject({ name: 'AccessDeniedException' });
    client.destroy();
    client = clientOf('the key');
    await create('x');
    expect(await read('x')).toBe('value');
  });

  it('does not start on a file that it cannot read', async () => {
    await create('x');
    await stop();
    writeFileSync(join(folder, 'secrets.json'), '{}');
    await expect(startSecretsEndpoint(folder)).rejects.toThrow('secrets.json');
    rmSync(join(folder, 'secrets.json'));
    await start();
  });

  it('says that it failed, and keeps what it had, when it cannot write', async () => {
    await create('x');
    rmSync(folder, { recursive: true });
    await expect(create('y')).rejects.toMatchObject({ name: 'InternalServiceError' });
    await expect(read('y')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await read('x')).toBe('value');
    folder = mkdtempSync(join(tmpdir(), 'gitferry-secrets-'));
  });
});

/** Reads the answer also while the request is still on its way. */
function post(url: string, body: string, headers: Record<string, string>): Promise<{ status: number | undefined; type: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode, type: (JSON.parse(Buffer.concat(chunks).toString()) as { __type: unknown }).__type });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
