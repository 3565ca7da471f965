/** Where a repository is and how one signs in there: taken from a call, checked, and put together with what is stored. */
import { errorCatalogue } from '../core/error-catalogue.ts';
import { GitferryError } from '../core/errors.ts';
import { parseHostKeys } from '../git/transport/known-hosts.ts';
import { parseRepositoryUrl, type RepositoryUrl } from '../git/transport/repository-url.ts';
import type { AccessToken } from '../model/access-token.ts';
import type { CredentialReference, CredentialValue } from '../model/credential.ts';
import type { AuthMethod } from '../model/mirror.ts';
import type { ApiDeps } from './api-deps.ts';
import { badParameter, forbidden, invalidField, invalidFieldOf } from './api-error.ts';
import { hasRole } from './authenticate.ts';
import { checkCredentialValue } from './credential-value.ts';
import { readCredential } from './own-secret.ts';

export interface RemoteAddress {
  readonly url: string;
  readonly authMethod: AuthMethod;
  readonly credential: CredentialReference | null;
  readonly hostKeys: readonly string[];
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
}

export interface AddressChange {
  readonly parsed: RepositoryUrl;
  /** With the stored credential, unless `ownCredential` or `credential` replaces it. */
  readonly address: RemoteAddress;
  /** To be kept as a secret of its own, whose name then replaces `address.credential`. */
  readonly ownCredential: CredentialValue | undefined;
  /** Whether URL, credentials or host keys differ from what is stored. */
  readonly changed: boolean;
}

type AddressDeps = Pick<ApiDeps, 'records' | 'secrets' | 'guard'>;

/**
 * Checks what is given and completes it from what is stored. Stored credentials and host keys stay only while the URL stays on the same host: a
 * password is never sent to another. Refuses with 400 (403 for a shared credential that is not the token's to give away). Writes nothing.
 */
export async function resolveAddress(
  given: GivenAddress,
  stored: RemoteAddress | undefined,
  token: AccessToken,
  deps: AddressDeps,
): Promise<AddressChange> {
  const typed = given.url ?? stored?.url;
  if (typed === undefined) throw badParameter(`${given.urlField} is missing`);
  const { url, userInfo } = checkUrl(typed, given.urlField, deps);
  const authMethod = given.authMethod ?? stored?.authMethod ?? 'password';
  // So far every URL is one of HTTP.
  if (authMethod === 'ssh_public_key') throw invalidField('auth_method', 'ssh_public_key goes with ssh:// URLs only');
  const staying = stored !== undefined && isSameHost(stored.url, url.href) ? stored : undefined;
  const hostKeys = given.hostKeys === undefined ? (staying?.hostKeys ?? []) : checkHostKeys(given.hostKeys, url);
  const name = given.username === undefined ? userInfo?.username : given.username;
  const password = given.password === undefined ? userInfo?.password : given.password;
  const credentials = await resolveCredential(
    { name, password, credentialId: given.credentialId },
    staying?.credential ?? null,
    token,
    deps,
  );
  const address = { url: url.href, authMethod, hostKeys, credential: credentials.credential };
  const changed = stored === undefined || credentials.own !== undefined || !isSameAddress(stored, address);
  return { parsed: url, address, ownCredential: credentials.own, changed };
}

function checkUrl(typed: string, field: string, { guard }: Pick<AddressDeps, 'guard'>): ReturnType<typeof parseRepositoryUrl> {
  try {
    const parsed = parseRepositoryUrl(typed, field);
    if (parsed.url.scheme === 'ssh') throw new GitferryError('ssh_unavailable', { detail: errorCatalogue.ssh_unavailable.hint });
    // Names are checked when they are resolved, at every run.
    guard.checkLiteral(parsed.url.host);
    return parsed;
  } catch (error) {
    throw invalidFieldOf(field, error);
  }
}

function checkHostKeys(given: readonly string[], { scheme, host, port }: RepositoryUrl): readonly string[] {
  const parsed = parseHostKeys(given, { host, port: scheme === 'ssh' ? port : undefined });
  if ('fault' in parsed) throw invalidField('host_keys', parsed.fault);
  return parsed;
}

interface GivenCredential {
  readonly name: string | null | undefined;
  readonly password: string | null | undefined;
  readonly credentialId: number | null | undefined;
}

async function resolveCredential(
  { name, password, credentialId }: GivenCredential,
  staying: CredentialReference | null,
  token: AccessToken,
  deps: AddressDeps,
): Promise<{ readonly credential: CredentialReference | null; readonly own?: CredentialValue }> {
  const isGiven = name !== undefined || password !== undefined;
  if (typeof credentialId === 'number') {
    if (isGiven) throw badParameter('credential_id, username and password are mutually exclusive');
    return { credential: await sharedCredential(credentialId, staying, token, deps) };
  }
  // null takes away a shared credential; a client that writes back what it has read does not lose one of the mirror's own by that.
  if (!isGiven) return { credential: credentialId === null && staying?.kind === 'shared' ? null : staying };
  if (staying?.kind === 'shared' && credentialId === undefined && (name === undefined || password === undefined))
    throw badParameter(
      `${name === undefined ? 'username' : 'password'} is missing: what is stored belongs to shared credential ${staying.credentialId}; give both, or change that`,
    );
  const old =
    staying?.kind === 'own' && (name === undefined || password === undefined) ? await readCredential(staying.secretName, deps) : undefined;
  const value = {
    username: name === undefined ? (old?.username ?? '') : (name ?? ''),
    password: password === undefined ? (old?.password ?? '') : (password ?? ''),
  };
  if (value.username === '' && value.password === '') return { credential: null };
  checkCredentialValue(value);
  return { credential: null, own: value };
}

/** Whoever may point a mirror anywhere could read a credential by pointing it at a host of their own: only owners hand out shared ones. */
async function sharedCredential(
  id: number,
  staying: CredentialReference | null,
  token: AccessToken,
  { records }: AddressDeps,
): Promise<CredentialReference> {
  const isStaying = staying?.kind === 'shared' && staying.credentialId === id;
  if (!isStaying && !hasRole(token, 'owner')) throw forbidden('only owners may use shared credentials');
  if ((await records.credentials.get(id)) === undefined) throw invalidField('credential_id', 'does not exist');
  return { kind: 'shared', credentialId: id };
}

/** Also https instead of http on the same host, but never the other way round. */
function isSameHost(before: string, now: string): boolean {
  const [old, next] = [new URL(before), new URL(now)];
  if (old.protocol === next.protocol) return old.host === next.host;
  return old.protocol === 'http:' && next.protocol === 'https:' && old.hostname === next.hostname && old.port === '' && next.port === '';
}

function isSameAddress(a: RemoteAddress, b: RemoteAddress): boolean {
  const plain = ({ url, authMethod, credential, hostKeys }: RemoteAddress): string =>
    JSON.stringify([url, authMethod, credential && Object.entries(credential).sort(), hostKeys]);
  return plain(a) === plain(b);
}
