/** Reads the credential that a mirror or project refers to: its own secret, or that of a shared credential; what lives for minutes is made here. */
import type { Deadline } from '../../core/deadline.ts';
import { GitferryError } from '../../core/errors.ts';
import type { Credential } from '../../credentials/credential.ts';
import { methodOf } from '../../credentials/registry.ts';
import type { CredentialReference, SharedCredential } from '../../credentials/shared-credential.ts';
import type { SignInMeans } from '../../credentials/sign-in.ts';
import { isAllowed } from '../../git/transport/allowed-urls.ts';
import type { CredentialRecords } from '../../model/records.ts';
import type { SecretStore } from '../../model/secret-store.ts';

export interface CredentialDeps {
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly credentials: Pick<CredentialRecords, 'get'>;
  /** For credentials that are made for each run. */
  readonly signIn: SignInMeans;
  readonly deadline: Pick<Deadline, 'signal'>;
}

export interface UsableCredential {
  readonly value: Credential;
  /** Of a shared credential: nowhere else. */
  readonly allowedUrls?: readonly string[];
  /** Of one that lives for minutes: the one to use now, asked before each request. */
  readonly renew?: () => Promise<Credential>;
}

export interface CredentialUse {
  readonly url: string;
  /** Whether the run pushes there. */
  readonly writes: boolean;
  /** Reads secrets anew. */
  readonly fresh: boolean;
  /** What a host has refused: it is not used again. */
  readonly refused?: Credential | undefined;
}

/**
 * The credential for this URL; undefined = anonymous. Throws `credential_not_allowed` where its owner has not said that it may be used there, `secret_missing`
 * where it is gone or no credential, `secrets_unavailable`, `storage_unavailable`, and what its method throws.
 */
export async function credentialOf(
  reference: CredentialReference | null,
  use: CredentialUse,
  deps: CredentialDeps,
): Promise<UsableCredential | undefined> {
  if (reference === null) return undefined;
  if (reference.kind === 'own') return { value: await readSecret(reference.secretName, use, deps) };
  const credential = await deps.credentials.get(reference.credentialId);
  if (credential === undefined)
    throw new GitferryError('secret_missing', { detail: `There is no shared credential ${reference.credentialId}.` });
  const { allowedUrls, secretName } = credential;
  // One that was made before there were allowed URLs is used where it was: the API notes them before anything else can come to use it.
  if (allowedUrls !== null && !isAllowed(use.url, allowedUrls)) throw new GitferryError('credential_not_allowed');
  const secret = secretName === null ? undefined : await readSecret(secretName, use, deps);
  const place = allowedUrls === null ? {} : { allowedUrls };
  const renew = renewal(credential, secret, use, deps);
  if (renew !== undefined) return { value: await renew(use.refused), ...place, renew: () => renew() };
  if (secret === undefined) throw new GitferryError('secret_missing', { detail: 'The credential stores no value.' });
  return { value: secret, ...place };
}

function renewal(
  { id, authMethod, settings, expiresAt, renewingSince }: SharedCredential,
  secret: Credential | undefined,
  { url, writes }: CredentialUse,
  { signIn: means, deadline: { signal } }: CredentialDeps,
): ((refused?: Credential) => Promise<Credential>) | undefined {
  const { signIn } = methodOf(authMethod);
  if (signIn === undefined) return undefined;
  return (refused) => signIn({ credentialId: id, settings, expiresAt, renewingSince, secret, url, writes, refused }, { ...means, signal });
}

async function readSecret(name: string, { fresh }: CredentialUse, { secrets }: CredentialDeps): Promise<Credential> {
  const value = await secrets.read(name, { fresh });
  if (!isCredential(value)) throw new GitferryError('secret_missing', { detail: 'The stored value is no credential.' });
  return value;
}

export function isCredential(value: unknown): value is Credential {
  if (typeof value !== 'object' || value === null) return false;
  const { username, password, privateKey } = value as { username?: unknown; password?: unknown; privateKey?: unknown };
  return typeof username === 'string' && typeof password === 'string' && (privateKey === undefined || typeof privateKey === 'string');
}
