import { CreateSecretCommand, DeleteSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import type { SecretStore } from '../../lib/model/secret-store.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { createHeldClock } from '../support/held-clock.ts';
import { type JsonAnswer, type JsonServer, startJsonServer } from '../support/json-server.ts';

let aws: TestAws;
let store: SecretStore;
const clock = createHeldClock();

beforeAll(async () => {
  aws = await startTestAws();
  store = newStore();
});
afterAll(() => aws.close());

let prefixes = 0;
function newStore(prefix = aws.secretPrefix): SecretStore {
  return createSecretStore({ secrets: aws.clients.secrets, prefix, clock });
}
const changeElsewhere = (name: string, value: unknown) =>
  aws.clients.secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: JSON.stringify(value) }));

describe('the secret store', () => {
  it('keeps values under new names that say what they are for', async () => {
    const value = { username: 'ü', password: 'p"\\' };
    const [one, other] = [await store.create('mirror', value), await store.create('mirror', value)];
    expect(one).toMatch(/^gitferry\/test\/mirror\/[0-9a-f]{32}$/);
    expect(other).not.toBe(one);
    expect(await store.read(one)).toEqual(value);
    expect(await newStore().read(one)).toEqual(value);
  });

  it('replaces a value, and knows it at once', async () => {
    const name = await store.create('mirror', { a: 1 });
    await store.read(name);
    await store.update(name, { a: 2 });
    expect(await store.read(name)).toEqual({ a: 2 });
  });

  it('gives a value that is at most a minute old, or just read', async () => {
    const name = await store.create('mirror', { a: 1 });
    expect(await store.read(name)).toEqual({ a: 1 });
    await changeElsewhere(name, { a: 2 });
    clock.advance(59_999);
    expect(await store.read(name)).toEqual({ a: 1 });
    expect(await store.read(name, { fresh: true })).toEqual({ a: 2 });
    await changeElsewhere(name, { a: 3 });
    expect(await store.read(name)).toEqual({ a: 2 });
    clock.advance(60_000);
    expect(await store.read(name)).toEqual({ a: 3 });
  });

  it('gives every reader a value of its own', async () => {
    const name = await store.create('mirror', { a: 1 });
    const value = (await store.read(name)) as { a: number };
    value.a = 2;
    expect(await store.read(name)).toEqual({ a: 1 });
  });

  it('deletes with a week to change one’s mind, and does not mind what is gone', async () => {
    const name = await store.create('mirror', { a: 1 });
    await store.read(name);
    await store.delete(name);
    await expect(store.read(name)).rejects.toMatchObject({ code: 'secret_missing' });

    // Its name stays taken while it can be restored.
    const again = aws.clients.secrets.send(new CreateSecretCommand({ Name: name, SecretString: '{}' }));
    await expect(again).rejects.toMatchObject({ name: 'InvalidRequestException' });
    await store.delete(name);
    await store.delete('gitferry/test/never-there');
    await expect(store.update('gitferry/test/never-there', {})).rejects.toMatchObject({ code: 'secret_missing' });
  });

  it.each([
    ['never was', 'gitferry/test/never-there'],
    ['has no JSON', 'gitferry/test/no-json'],
  ])('says that a secret is missing that %s, and not what it holds', async (_case, name) => {
    await changeElsewhere(await store.create('mirror', {}), {});
    if (name.endsWith('no-json'))
      await import('@aws-sdk/client-secrets-manager').then(({ CreateSecretCommand: Create }) =>
        aws.clients.secrets.send(new Create({ Name: name, SecretString: 'hunter2' })),
      );
    const error = (await store.read(name).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: 'secret_missing' });
    expect(`${error.stack}${String(error.cause)}`).not.toContain('hunter2');
  });
});

describe('the signing key', () => {
  const newPrefix = () => `gitferry/test/${++prefixes}/`;

  it('is made once, however many processes ask for it first', async () => {
    const prefix = newPrefix();
    const keys = await Promise.all(Array.from({ length: 8 }, () => newStore(prefix).signingKey()));
    expect(new Set(keys).size).toBe(1);
    expect(Buffer.from(keys[0]!, 'base64url')).toHaveLength(32);
    expect(await newStore(prefix).signingKey()).toBe(keys[0]);
    expect(await newStore(newPrefix()).signingKey()).not.toBe(keys[0]);
  });

  it('that was deleted is not replaced by another: every webhook depends on it', async () => {
    const prefix = newPrefix();
    await newStore(prefix).signingKey();
    await aws.clients.secrets.send(new DeleteSecretCommand({ SecretId: `${prefix}signing-key` }));
    await expect(newStore(prefix).signingKey()).rejects.toMatchObject({
      code: 'secrets_unavailable',
      hint: expect.stringContaining(`restore-secret --secret-id ${prefix}signing-key`),
    });
  });

  it('must be a key', async () => {
    const prefix = newPrefix();
    await newStore(prefix).signingKey();
    await changeElsewhere(`${prefix}signing-key`, { other: 1 });
    await expect(newStore(prefix).signingKey()).rejects.toMatchObject({ code: 'secrets_unavailable' });
  });
});

describe('a Secrets Manager that misbehaves', () => {
  let server: JsonServer;
  let client: SecretsManagerClient;
  afterEach(async () => {
    client.destroy();
    await server.close();
  });

  async function storeAnswering(answer: Parameters<typeof startJsonServer>[0]): Promise<SecretStore> {
    server = await startJsonServer(answer);
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    client = new SecretsManagerClient({ endpoint: server.origin, region: 'us-east-1', credentials, maxAttempts: 1 });
    return createSecretStore({ secrets: client, prefix: 'p/', clock });
  }
  const fault = (type: string, status = 400): JsonAnswer => ({ status, body: { __type: type, message: 'words with the-request-id' } });

  it.each([
    ['throttles', fault('ThrottlingException')],
    ['refuses', fault('AccessDeniedException')],
    ['cannot decrypt', fault('DecryptionFailure')],
    ['fails', fault('InternalServiceError', 500)],
    ['hangs up', 'drop' as const],
  ])('and %s is unavailable: nothing is missing, nothing was said', async (_case, answer) => {
    const failing = await storeAnswering(() => answer);
    for (const call of [
      () => failing.create('mirror', { password: 'hunter2' }),
      () => failing.read('n'),
      () => failing.update('n', { password: 'hunter2' }),
      () => failing.delete('n'),
      () => failing.signingKey(),
    ]) {
      const error = (await call().catch((thrown: unknown) => thrown)) as Error;
      expect(error).toMatchObject({ code: 'secrets_unavailable', cause: expect.any(Error) });
      expect(error.message).not.toMatch(/the-request-id|hunter2/);
    }
  });

  it('is asked once for many readers of one secret, and again after it failed', async () => {
    const shared = await storeAnswering((_operation, _input, before) =>
      before === 0 ? fault('InternalServiceError', 500) : { status: 200, body: { SecretString: '{"a":1}' } },
    );
    const first = await Promise.allSettled(Array.from({ length: 10 }, () => shared.read('n')));
    expect(first.every(({ status }) => status === 'rejected')).toBe(true);
    expect(server.calls).toHaveLength(1);
    expect(await Promise.all(Array.from({ length: 10 }, () => shared.read('n')))).toEqual(Array.from({ length: 10 }, () => ({ a: 1 })));
    expect(server.calls).toHaveLength(2);
  });

  it('does not leave an old value in the cache when an update came in between', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const racing = await storeAnswering(async (operation, _input, before) => {
      if (operation === 'PutSecretValue') return { status: 200, body: {} };
      if (before > 0) return { status: 200, body: { SecretString: '{"a":"new"}' } };
      await held;
      return { status: 200, body: { SecretString: '{"a":"old"}' } };
    });
    const early = racing.read('n');
    await expect.poll(() => server.calls.length).toBe(1);
    await racing.update('n', { a: 'new' });
    release();
    expect(await early).toEqual({ a: 'old' });
    expect(await racing.read('n')).toEqual({ a: 'new' });
  });

  it('reads the key that another process made meanwhile', async () => {
    const late = await storeAnswering((operation, _input, before) => {
      if (operation === 'CreateSecret') return fault('ResourceExistsException');
      return before === 0 ? fault('ResourceNotFoundException') : { status: 200, body: { SecretString: '{"key":"theirs"}' } };
    });
    expect(await late.signingKey()).toBe('theirs');
  });
});
