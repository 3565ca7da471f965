import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeploymentToken } from '../../../lib/aws/instance/deployment-token.ts';
import { createSecretStore } from '../../../lib/aws/secrets-manager.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { type AccessToken, deploymentTokenId } from '../../../lib/model/access-token.ts';
import type { TokenRecords } from '../../../lib/model/records.ts';
import type { SecretStore } from '../../../lib/model/secret-store.ts';
import { hashToken } from '../../../lib/model/token-hash.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { createHeldClock, type HeldClock } from '../../support/held-clock.ts';

const value = 'x'.repeat(48);
let aws: TestAws;
let api: TestApi;
let clock: HeldClock;
let store: SecretStore;
let secretName: string;
/** How often Secrets Manager was asked. */
let reads: number;
let tokens: TokenRecords;

beforeAll(async () => {
  api = await startTestApi();
  aws = await startTestAws();
});
afterAll(async () => {
  await api.close();
  await aws.close();
});
beforeEach(async () => {
  clock = createHeldClock();
  store = createSecretStore({ secrets: aws.clients.secrets, prefix: aws.secretPrefix, clock });
  secretName = await store.create('credential', { token: value });
  tokens = tokensOf(store);
});

function tokensOf(secrets: Pick<SecretStore, 'read'>): TokenRecords {
  reads = 0;
  const counted: Pick<SecretStore, 'read'> = {
    read(...how) {
      reads++;
      return secrets.read(...how);
    },
  };
  return withDeploymentToken(api.deps.records.tokens, { secrets: counted, secretName, clock });
}

describe('the token of a deployment', () => {
  it('is found by its hash, as an owner of everything, for ever', async () => {
    const expected: AccessToken = {
      ...{ id: deploymentTokenId, name: 'deployment', tokenHash: hashToken(value) },
      ...{ role: 'owner', projectIds: null, expiresAt: null, createdAt: 0 },
    };
    expect(await tokens.find(hashToken(value))).toEqual(expected);
    expect(await tokens.find(hashToken(`${value}x`))).toBeUndefined();
    expect(await tokens.find('')).toBeUndefined();
    expect(await tokens.get(deploymentTokenId)).toBeUndefined();
  });

  it('costs nothing where a token of the table is used, and one read a minute otherwise', async () => {
    expect(await tokens.find(hashToken(api.ownerToken))).toMatchObject({ role: 'owner' });
    expect(reads).toBe(0);
    for (let guess = 0; guess < 5; guess++) await tokens.find(hashToken(`guess ${guess}`));
    expect(reads).toBe(1);
  });

  it('changes with its secret, within a minute', async () => {
    await tokens.find(hashToken(value));
    await aws.clients.secrets.send(
      new PutSecretValueCommand({ SecretId: secretName, SecretString: JSON.stringify({ token: 'y'.repeat(48) }) }),
    );
    clock.advance(60_000);
    expect(await tokens.find(hashToken(value))).toBeUndefined();
    expect(await tokens.find(hashToken('y'.repeat(48)))).toMatchObject({ id: deploymentTokenId });
  });

  it.each([
    ['an empty token', { token: '' }, ''],
    ['a short one', { token: 'short' }, 'short'],
    ['a number', { token: 123 }, '123'],
    ['something else', { key: value }, value],
  ])('is none where the secret holds %s', async (_what, content, guess) => {
    secretName = await store.create('credential', content);
    expect(await tokensOf(store).find(hashToken(guess))).toBeUndefined();
  });

  it('is none, asked for once a minute, where the secret is gone', async () => {
    await store.delete(secretName);
    expect(await tokens.find(hashToken(value))).toBeUndefined();
    expect(await tokens.find(hashToken(value))).toBeUndefined();
    expect(reads).toBe(1);
  });

  it('cannot be told where Secrets Manager is out of reach', async () => {
    const broken = tokensOf({ read: async () => Promise.reject(new GitferryError('secrets_unavailable')) });
    await expect(broken.find(hashToken(value))).rejects.toMatchObject({ code: 'secrets_unavailable' });
    expect(await broken.find(hashToken(api.ownerToken))).toMatchObject({ role: 'owner' });
  });

  it('may do everything in the API but delete itself, and tokens of the table may go while it is there', async () => {
    const { records } = api.deps;
    Object.assign(api.deps, { records: { ...records, tokens } });
    expect((await api.call('GET', '/personal_access_tokens/self', { token: value })).body).toMatchObject({ id: 0, role: 'owner' });
    expect((await api.call('DELETE', '/personal_access_tokens/self', { token: value })).status).toBe(409);
    const [{ id }] = (await api.call('GET', '/personal_access_tokens', { token: value })).body;
    expect((await api.call('DELETE', `/personal_access_tokens/${id}`, { token: value })).status).toBe(204);
    expect((await api.call('GET', '/user', { token: 'guess' })).status).toBe(401);
    expect((await api.call('GET', '/user', { token: value })).status).toBe(200);
  });
});
