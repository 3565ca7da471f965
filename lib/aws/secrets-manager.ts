/** Secrets Manager as a store of JSON values, with a short cache in front. */
import { randomBytes } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../core/clock.ts';
import { GitferryError } from '../core/errors.ts';
import { serviceLimits } from '../core/service-limits.ts';
import type { SecretStore } from '../model/secret-store.ts';
import { createExpiringCache } from './expiring-cache.ts';
import { kindOf } from './table/storage-error.ts';

export interface SecretStoreInput {
  readonly secrets: SecretsManagerClient;
  /** Begins every name, so that a function's permissions can end at it. */
  readonly prefix: string;
  readonly clock: Clock;
}

/** One per process: values are cached in it. Rejects with `secret_missing` or `secrets_unavailable`; no message holds a value or a request id. */
export function createSecretStore({ secrets, prefix, clock }: SecretStoreInput): SecretStore {
  const cache = createExpiringCache<string>({ maxAgeMs: serviceLimits.secretCacheMs, maxEntries: serviceLimits.cachedSecrets, clock });

  async function fetchText(name: string): Promise<string> {
    const { SecretString: text } = await translated(name, () => secrets.send(new GetSecretValueCommand({ SecretId: name })));
    if (text === undefined) throw new GitferryError('secret_missing', { detail: `(${name} holds no text)` });
    return text;
  }

  /** false = the name is taken. */
  async function createNamed(name: string, value: object): Promise<boolean> {
    try {
      await secrets.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify(value) }));
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === 'ResourceExistsException') return false;
      throw secretsError(name, error);
    }
  }

  const read: SecretStore['read'] = async (name, { fresh = false } = {}) =>
    parse(name, await cache.get(name, { fresh, load: () => fetchText(name) }));

  return {
    async create(kind, value) {
      // Hexadecimal: a hyphen and six characters at the end would look like the end of an ARN.
      const name = `${prefix}${kind}/${randomBytes(16).toString('hex')}`;
      if (!(await createNamed(name, value))) throw new Error('a random name is taken');
      return name;
    },

    read,

    async update(name, value) {
      try {
        await translated(name, () => secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: JSON.stringify(value) })));
      } finally {
        cache.drop(name);
      }
    },

    async delete(name) {
      try {
        await translated(name, () =>
          secrets.send(new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: serviceLimits.secretRecoveryDays })),
        );
      } catch (error) {
        if (!(error instanceof GitferryError && error.code === 'secret_missing')) throw error;
      } finally {
        cache.drop(name);
      }
    },

    async signingKey() {
      const name = `${prefix}signing-key`;
      try {
        return keyOf(name, await read(name));
      } catch (error) {
        if (!(error instanceof GitferryError && error.code === 'secret_missing')) throw error;
      }
      // Of two that come here at once one creates it, and both read what is there.
      try {
        await createNamed(name, { key: randomBytes(32).toString('base64url') });
        return keyOf(name, await read(name, { fresh: true }));
      } catch (error) {
        if (!(error instanceof GitferryError && error.code === 'secret_missing')) throw error;
        const hint = 'Every webhook of this instance is proved with this key. Restore it: aws secretsmanager restore-secret --secret-id';
        throw new GitferryError('secrets_unavailable', { detail: `(${name} is deleted)`, hint: `${hint} ${name}.`, cause: error });
      }
    },
  };
}

function keyOf(name: string, value: unknown): string {
  const key = typeof value === 'object' && value !== null && 'key' in value ? value.key : undefined;
  if (typeof key !== 'string' || key === '') throw new GitferryError('secrets_unavailable', { detail: `(${name} does not hold a key)` });
  return key;
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new GitferryError('secret_missing', { detail: `(${name} does not hold JSON)` });
  }
}

async function translated<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw secretsError(name, error);
  }
}

/** What is there no more, or is waiting for its deletion, is missing; everything else is a failure of the service or of its permissions. */
function secretsError(name: string, error: unknown): unknown {
  if (error instanceof GitferryError || !(error instanceof Error)) return error;
  if (error.name === 'ResourceNotFoundException' || error.name === 'InvalidRequestException') {
    return new GitferryError('secret_missing', { detail: `(${name})`, cause: error });
  }
  return new GitferryError('secrets_unavailable', { detail: `(${kindOf(error)})`, cause: error });
}
