/** Reads the credential that a mirror or project refers to: its own secret, or that of a shared credential. */
import { GitferryError } from '../core/errors.ts';
import type { CredentialReference, CredentialValue } from '../model/credential.ts';
import type { CredentialRecords } from '../model/records.ts';
import type { SecretStore } from '../model/secret-store.ts';

export interface CredentialDeps {
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly credentials: Pick<CredentialRecords, 'get'>;
}

/** undefined = anonymous. Throws `secret_missing` where it is gone or no credential, `secrets_unavailable`, `storage_unavailable`. */
export async function credentialOf(
  reference: CredentialReference | null,
  { secrets, credentials }: CredentialDeps,
  options: { readonly fresh: boolean },
): Promise<CredentialValue | undefined> {
  if (reference === null) return undefined;
  const value = await secrets.read(await secretName(reference, credentials), options);
  if (!isCredentialValue(value)) throw new GitferryError('secret_missing', { detail: 'The stored value is no credential.' });
  return value;
}

async function secretName(reference: CredentialReference, credentials: CredentialDeps['credentials']): Promise<string> {
  if (reference.kind === 'own') return reference.secretName;
  const credential = await credentials.get(reference.credentialId);
  if (credential === undefined)
    throw new GitferryError('secret_missing', { detail: `There is no shared credential ${reference.credentialId}.` });
  return credential.secretName;
}

function isCredentialValue(value: unknown): value is CredentialValue {
  if (typeof value !== 'object' || value === null) return false;
  const { username, password, privateKey } = value as { username?: unknown; password?: unknown; privateKey?: unknown };
  return typeof username === 'string' && typeof password === 'string' && (privateKey === undefined || typeof privateKey === 'string');
}
