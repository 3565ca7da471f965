/** How one signs in to a repository: what a call gives, put together with what is stored; key pairs are made here. */

import type { Credential } from '../../credentials/credential.ts';
import { type AuthMethod, methodOf } from '../../credentials/registry.ts';
import type { CredentialReference, SharedCredential } from '../../credentials/shared-credential.ts';
import type { SshKeyType } from '../../git/transport/ssh/ssh-key-pair.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { ApiDeps } from '../api-deps.ts';
import { badParameter, badRequest, forbidden, invalidField } from '../http/api-error.ts';
import { isInstanceOwner } from '../http/authenticate.ts';
import { checkCredentialValue } from './credential-value.ts';
import { generateKeyPair, keyTypeOf } from './key-pair.ts';
import { readCredential } from './own-secret.ts';

/** undefined = not given, null = to be removed. */
export interface CredentialInput {
  readonly username: string | null | undefined;
  readonly password: string | null | undefined;
  /** Nothing but a user name, and that in the URL of ssh:// (`ssh://git@host/`). */
  readonly hasUrlUserOnly: boolean;
  readonly credentialId: number | null | undefined;
  readonly authMethod: AuthMethod;
  readonly keyType: SshKeyType | undefined;
}

export interface StoredCredential {
  readonly stored:
    | { readonly authMethod: AuthMethod; readonly credential: CredentialReference | null; readonly publicKey: string | null }
    | undefined;
  /** The URL stays on its host. */
  readonly isStaying: boolean;
}

export interface ResolvedCredential {
  readonly credential: CredentialReference | null;
  /** To be kept as a secret of its own. */
  readonly own?: Credential;
  readonly publicKey: string | null;
}

type CredentialInputDeps = Pick<ApiDeps, 'records' | 'secrets' | 'publicUrl'>;

/** Refuses with 400 and 403. Writes nothing. */
export async function resolveCredential(
  given: CredentialInput,
  { stored, isStaying }: StoredCredential,
  token: AccessToken,
  deps: CredentialInputDeps,
): Promise<ResolvedCredential> {
  const { makesKeyPair: isKey, signIn } = methodOf(given.authMethod);
  if (isKey && (given.password ?? '') !== '') throw badParameter('password', 'goes with auth_method password');
  // What is stored for one way to sign in is of no use for the other.
  const ofThisKind = stored?.authMethod === given.authMethod ? stored.credential : null;
  const staying = isStaying ? ofThisKind : null;
  if (typeof given.credentialId === 'number')
    return { credential: await sharedCredential(given.credentialId, given, staying, token, deps), publicKey: null };
  if (signIn !== undefined) {
    if (given.username || given.password) throw badRequest(`username and password do not go with auth_method ${given.authMethod}`);
    if (staying?.kind !== 'shared')
      throw invalidField('auth_method', `${given.authMethod} goes with a shared credential: give its number as credential_id`);
    return { credential: staying, publicKey: null };
  }
  if (!isKey) return { ...(await passwordCredential(given, staying, deps)), publicKey: null };
  if (staying?.kind === 'shared' && given.credentialId === undefined) {
    if (given.keyType !== undefined)
      throw badParameter('key_type', 'goes with a key pair of its own: this one belongs to a shared credential');
    if (given.username !== undefined) await checkUserOfShared(staying.credentialId, given, deps);
    return { credential: staying, publicKey: null };
  }
  const ownKey = ofThisKind?.kind === 'own' ? { credential: ofThisKind, publicKey: stored?.publicKey ?? null } : undefined;
  return keyCredential(given, ownKey, deps);
}

async function passwordCredential(
  given: CredentialInput,
  staying: CredentialReference | null,
  deps: CredentialInputDeps,
): Promise<Omit<ResolvedCredential, 'publicKey'>> {
  const { username, password, credentialId } = given;
  const isGiven = username !== undefined || password !== undefined;
  // null takes away a shared credential; a client that writes back what it has read does not lose one of the mirror's own by that.
  if (!isGiven) return { credential: credentialId === null && staying?.kind === 'shared' ? null : staying };
  if (staying?.kind === 'shared' && credentialId === undefined && given.hasUrlUserOnly) {
    await checkUserOfShared(staying.credentialId, given, deps);
    return { credential: staying };
  }
  const isHalf = username === undefined || password === undefined;
  if (staying?.kind === 'shared' && credentialId === undefined && isHalf)
    throw badParameter(
      username === undefined ? 'username' : 'password',
      `is missing: what is stored belongs to shared credential ${staying.credentialId}; give both, or change that`,
    );
  const old = staying?.kind === 'own' && isHalf ? await readCredential(staying.secretName, deps) : undefined;
  const value = {
    username: username === undefined ? (old?.username ?? '') : (username ?? ''),
    password: password === undefined ? (old?.password ?? '') : (password ?? ''),
  };
  if (value.username === '' && value.password === '') return { credential: null };
  checkCredentialValue(value);
  return { credential: null, own: value };
}

/** The pair that is there, or a new one. */
async function keyCredential(
  { username, keyType }: CredentialInput,
  before: { readonly credential: CredentialReference & { readonly kind: 'own' }; readonly publicKey: string | null } | undefined,
  deps: CredentialInputDeps,
): Promise<ResolvedCredential> {
  const fits = before !== undefined && before.publicKey !== null && (keyType === undefined || keyType === keyTypeOf(before.publicKey));
  if (fits && username === undefined) return before;
  const old = before === undefined ? undefined : await readCredential(before.credential.secretName, deps);
  const name = username === undefined ? (old?.username ?? '') : (username ?? '');
  checkCredentialValue({ username: name, password: '' });
  if (fits && old?.privateKey !== undefined) {
    return old.username === name ? before : { credential: null, own: { ...old, username: name }, publicKey: before.publicKey };
  }
  const pair = await generateKeyPair(keyType ?? 'ed25519', deps);
  return { credential: null, own: { username: name, password: '', ...pair }, publicKey: pair.publicKey };
}

/**
 * Whoever may point a mirror anywhere could read a credential by pointing it at a host of their own: only owners of the whole instance hand out shared
 * ones, others are not even told which there are.
 */
async function sharedCredential(
  id: number,
  given: CredentialInput,
  staying: CredentialReference | null,
  token: AccessToken,
  deps: CredentialInputDeps,
): Promise<CredentialReference> {
  const isGiven = given.username !== undefined || given.password !== undefined;
  const isKey = methodOf(given.authMethod).makesKeyPair;
  if (isGiven && !given.hasUrlUserOnly) throw badRequest('credential_id, username and password are mutually exclusive');
  const isStaying = staying?.kind === 'shared' && staying.credentialId === id;
  if (!isStaying && !isInstanceOwner(token)) throw forbidden('only owners of the whole instance may use shared credentials');
  const { authMethod, publicKey } = await sharedCredentialOf(id, deps);
  if (isKey && publicKey === null) throw invalidField('credential_id', 'holds a password, which goes with auth_method password');
  if (!isKey && publicKey !== null) throw invalidField('credential_id', 'holds a key pair, which goes with auth_method ssh_public_key');
  if (authMethod !== given.authMethod)
    throw invalidField('credential_id', `signs in by ${methodOf(authMethod).word}, which goes with auth_method ${authMethod}`);
  if (isGiven) await checkUserOfShared(id, given, deps);
  return { kind: 'shared', credentialId: id };
}

/** People write `git@` out of habit: it is taken if it says the same as the credential. */
async function checkUserOfShared(id: number, { username }: CredentialInput, deps: CredentialInputDeps): Promise<void> {
  const { secretName } = await sharedCredentialOf(id, deps);
  const value = secretName === null ? undefined : await readCredential(secretName, deps);
  if (value === undefined || (value.username || 'git') === (username || 'git')) return;
  throw badParameter('username', 'differs from that of the shared credential: leave it out, or change that');
}

/** Refuses with 400. */
export async function sharedCredentialOf(id: number, { records }: Pick<ApiDeps, 'records'>): Promise<SharedCredential> {
  const credential = await records.credentials.get(id);
  if (credential === undefined) throw invalidField('credential_id', 'does not exist');
  return credential;
}

/** Nothing that a shell or ssh(1) would take for more than a name. Refuses with 400. */
export function checkSshUser(username: string | null | undefined): void {
  if (username && !/^[A-Za-z0-9_][\w.@+=,%~-]*$/.test(username))
    throw badParameter('username', 'is invalid: it is not the name of an SSH user');
}
