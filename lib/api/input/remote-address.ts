/** Where a repository is and how one signs in there: taken from a call, checked, and put together with what is stored. */

import { GitferryError } from '../../core/errors.ts';
import type { Credential } from '../../credentials/credential.ts';
import { type AuthMethod, keyPairMethod, methodOf, passwordMethod } from '../../credentials/registry.ts';
import type { CredentialReference } from '../../credentials/shared-credential.ts';
import { parseHostKeys } from '../../git/transport/host-keys/known-hosts.ts';
import { parseRepositoryUrl, type RepositoryUrl } from '../../git/transport/repository-url.ts';
import { isSameHost } from '../../git/transport/same-host.ts';
import type { SshKeyType } from '../../git/transport/ssh/ssh-key-pair.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { ApiDeps } from '../api-deps.ts';
import { type ApiError, badParameter, invalidField, invalidFieldOf } from '../http/api-error.ts';
import { isInstanceOwner } from '../http/authenticate.ts';
import { checkUse } from './allowed-urls.ts';
import { unmasked } from './masked-user-info.ts';
import { checkSshUser, resolveCredential, sharedCredentialOf } from './remote-credential.ts';

export interface RemoteAddress {
  readonly url: string;
  readonly authMethod: AuthMethod;
  readonly credential: CredentialReference | null;
  readonly hostKeys: readonly string[];
  /** Of a key pair of its own. */
  readonly publicKey: string | null;
}

/** As given; undefined = not given, null = to be removed. */
export interface GivenAddress {
  /** What the call names the URL. */
  readonly urlField: string;
  readonly url?: string | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly credentialId?: number | null | undefined;
  readonly authMethod?: AuthMethod | undefined;
  readonly hostKeys?: readonly string[] | undefined;
  /** Of the key pair to be made; one that is there already stays if it is of this type. */
  readonly keyType?: SshKeyType | undefined;
}

export interface AddressChange {
  readonly parsed: RepositoryUrl;
  /** With the stored credential, unless `ownCredential` or `credential` replaces it. */
  readonly address: RemoteAddress;
  /** To be kept as a secret of its own, whose name then replaces `address.credential`. */
  readonly ownCredential: Credential | undefined;
  /** Whether URL, credentials or host keys differ from what is stored. */
  readonly changed: boolean;
}

type AddressDeps = Pick<ApiDeps, 'records' | 'secrets' | 'guard' | 'publicUrl'>;

/**
 * Checks what is given and completes it from what is stored. Stored passwords, shared credentials and host keys stay only while the URL stays on the same
 * host: a password is never sent to another. A key pair of its own stays also on another host of ssh://: signing in with it gives nothing away there. Where
 * `ssh_public_key` is chosen and there is no pair yet, one is made. Refuses with 400 (403 for a shared credential that is not the token's to give away).
 * Writes nothing.
 */
export async function resolveAddress(
  given: GivenAddress,
  stored: RemoteAddress | undefined,
  token: AccessToken,
  deps: AddressDeps,
): Promise<AddressChange> {
  const typed = given.url ?? stored?.url;
  if (typed === undefined) throw badParameter(given.urlField, `is missing`);
  const masked = unmasked(typed);
  const { url, userInfo } = checkUrl(masked.text, given.urlField, deps);
  const authMethod = await authMethodOf(given, stored, token, deps);
  const { schemes, makesKeyPair } = methodOf(authMethod);
  if (!schemes.includes(url.scheme))
    throw invalidField('auth_method', `${authMethod} goes with ${schemes.map((scheme) => `${scheme}://`).join(' and ')} URLs only`);
  if (given.keyType !== undefined && !makesKeyPair) throw badParameter('key_type', `goes with auth_method ${keyPairMethod}`);
  if (url.scheme === 'ssh') checkSshUser(given.username);
  const isStaying = stored !== undefined && isSameHost(new URL(stored.url), new URL(url.href));
  const isReplaced = typeof given.credentialId === 'number';
  const asksForStored = (isMasked: boolean, replacement: string | null | undefined) => isMasked && replacement === undefined && !isReplaced;
  if (!isStaying && (asksForStored(masked.username, given.username) || asksForStored(masked.password, given.password)))
    throw invalidField(
      given.urlField,
      'holds ***** in place of a user name or password, which stands for what is stored for this host: give the real one',
    );
  const hostKeys = given.hostKeys === undefined ? (isStaying ? stored.hostKeys : []) : checkHostKeys(given.hostKeys, url);
  if (url.scheme === 'ssh' && hostKeys.length === 0) throw hostKeysMissing(url);
  // `ssh://git@host/`: part of the address rather than half a credential. In HTTP a name alone may be a token.
  const hasUserOnly = url.scheme === 'ssh' && userInfo?.password === '' && !masked.password;
  const { credential, own, publicKey } = await resolveCredential(
    {
      username: given.username === undefined && !masked.username ? userInfo?.username : given.username,
      password: given.password === undefined && !hasUserOnly && !masked.password ? userInfo?.password : given.password,
      hasUrlUserOnly: hasUserOnly && given.username === undefined && given.password === undefined,
      credentialId: given.credentialId,
      authMethod,
      keyType: given.keyType,
    },
    { stored, isStaying },
    token,
    deps,
  );
  const address = { url: url.href, authMethod, hostKeys, credential, publicKey };
  const changed = stored === undefined || own !== undefined || !isSameAddress(stored, address);
  if (changed && credential?.kind === 'shared') {
    const wasThere = stored?.credential?.kind === 'shared' && stored.credential.credentialId === credential.credentialId;
    const shared = await sharedCredentialOf(credential.credentialId, deps);
    const fault = methodOf(shared.authMethod).urlFault?.(url.href);
    if (fault !== undefined) throw invalidField(given.urlField, fault);
    await checkUse(shared, url.href, deps, wasThere ? stored.url : undefined);
  }
  return { parsed: url, address, ownCredential: own, changed };
}

/** Where none is given: that of a shared credential of a machine, else what was. Taking such a credential away leaves a password, of which there is none. */
async function authMethodOf(
  { authMethod, credentialId }: GivenAddress,
  stored: RemoteAddress | undefined,
  token: AccessToken,
  deps: AddressDeps,
): Promise<AuthMethod> {
  if (authMethod !== undefined) return authMethod;
  const before = stored?.authMethod ?? passwordMethod;
  // Others are not told which credentials there are.
  if (typeof credentialId === 'number' && isInstanceOwner(token)) {
    const shared = (await deps.records.credentials.get(credentialId))?.authMethod;
    if (shared !== undefined && methodOf(shared).signIn !== undefined) return shared;
  }
  const leaves = credentialId === null || typeof credentialId === 'number';
  return leaves && methodOf(before).signIn !== undefined ? passwordMethod : before;
}

function checkUrl(typed: string, field: string, { guard }: Pick<AddressDeps, 'guard'>): ReturnType<typeof parseRepositoryUrl> {
  try {
    const parsed = parseRepositoryUrl(typed, field);
    // Names are checked when they are resolved, at every run.
    guard.checkLiteral(parsed.url.host);
    return parsed;
  } catch (error) {
    throw invalidFieldOf(field, error);
  }
}

function checkHostKeys(given: readonly string[], url: RepositoryUrl): readonly string[] {
  const parsed = parseHostKeys(given, url);
  if ('fault' in parsed) throw invalidField('host_keys', parsed.fault);
  return parsed;
}

function hostKeysMissing({ host }: RepositoryUrl): ApiError {
  const detail = `ssh:// needs at least one key of ${host}: detect them (POST /ssh_host_keys/detect), compare the fingerprints, and give them as host_keys.`;
  return invalidFieldOf('host_keys', new GitferryError('host_key_unknown', { detail }));
}

function isSameAddress(a: RemoteAddress, b: RemoteAddress): boolean {
  const plain = ({ url, authMethod, credential, hostKeys }: RemoteAddress): string =>
    JSON.stringify([url, authMethod, credential && Object.entries(credential).sort(), hostKeys]);
  return plain(a) === plain(b);
}
