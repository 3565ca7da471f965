/** Reads the credential that a mirror or project refers to: its own secret, or that of a shared credential. */
import { GitferryError } from '../../core/errors.ts';
import type { Credential } from '../../credentials/credential.ts';
import type { CredentialReference, SharedCredential } from '../../credentials/shared-credential.ts';
import { isAllowed } from '../../git/transport/allowed-urls.ts';
import type { CredentialRecords } from '../../model/records.ts';
import type { SecretStore } from '../../model/secret-store.ts';

export interface CredentialDeps {
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly credentials: Pick<CredentialRecords, 'get'>;
}

export interface UsableCredential {
  readonly value: Credential;
  /** Of a shared credential: nowhere else. */
  readonly allowedUrls?: readonly string[];
}

/**
 * The credential for this URL; undefined = anonymous. Throws `credential_not_allowed` where its owner has not said that it may be used there, `secret_missing`
 * where it is gone or no credential, `secrets_unavailable`, `storage_unavailable`.
 */
export async function credentialOf(
  reference: CredentialReference | null,
  url: string,
  { secrets, credentials }: CredentialDeps,
  options: { readonly fresh: boolean },
): Promise<UsableCredential | undefined> {
  if (reference === null) return undefined;
  const { secretName, allowedUrls = null } = await placeOf(reference, credentials);
  // One that was made before there were allowed URLs is used where it was: the API notes them before anything else can come to use it.
  if (allowedUrls !== null && !isAllowed(url, allowedUrls)) throw new GitferryError('credential_not_allowed');
  const value = await secrets.read(secretName, options);
  if (!isCredentialValue(value)) throw new GitferryError('secret_missing', { detail: 'The stored value is no credential.' });
  return { value, ...(allowedUrls === null ? {} : { allowedUrls }) };
}

async function placeOf(
  reference: CredentialReference,
  credentials: CredentialDeps['credentials'],
): Promise<Pick<SharedCredential, 'secretName'> & Partial<Pick<SharedCredential, 'allowedUrls'>>> {
  if (reference.kind === 'own') return reference;
  const credential = await credentials.get(reference.credentialId);
  if (credential === undefined)
    throw new GitferryError('secret_missing', { detail: `There is no shared credential ${reference.credentialId}.` });
  return credential;
}

function isCredentialValue(value: unknown): value is Credential {
  if (typeof value !== 'object' || value === null) return false;
  const { username, password, privateKey } = value as { username?: unknown; password?: unknown; privateKey?: unknown };
  return typeof username === 'string' && typeof password === 'string' && (privateKey === undefined || typeof privateKey === 'string');
}
