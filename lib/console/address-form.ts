/** The part of a form that says where a repository is and how one signs in there: read from what was sent, written into a call of the API. */
import type { Shown } from '../api/http/answer.ts';
import { isInstanceOwner } from '../api/http/authenticate.ts';
import { credentialEndpoints, type credentialSchema } from '../api/routes/credentials.ts';
import { sshHostKeyEndpoints } from '../api/routes/ssh-host-keys.ts';
import type { detectedKeysSchema } from '../api/use-cases/detect-for-api.ts';
import { type AuthMethod, methodOf, ownAuthMethods, passwordMethod } from '../credentials/registry.ts';
import { consoleLimits } from './console-limits.ts';
import type { Form } from './read-form.ts';
import { api, type Visit } from './visit.ts';

export const signInWays = ['keep', 'none', ...ownAuthMethods, 'shared'] as const;
export type SignInWay = (typeof signInWays)[number];

export interface AddressValues {
  readonly url: string;
  readonly way: SignInWay;
  readonly username: string;
  readonly keyType: string;
  readonly credentialId: string;
  /** As typed or detected, one per line. */
  readonly hostKeys: string;
  /** What a server offered just now, to be compared by the person. */
  readonly detected?: readonly DetectedKey[];
}

type DetectedKeys = Shown<typeof detectedKeysSchema>;
export type DetectedKey = Pick<DetectedKeys['fingerprints'][number], 'type' | 'bits' | 'md5' | 'sha256'>;

/** A shared credential, for owners. */
export type CredentialOption = Pick<Shown<typeof credentialSchema>, 'id' | 'name' | 'auth_method'>;

/** The names of the form's fields; `url` is what the API calls it, so that its faults find their fields. */
export const addressFields = ['username', 'password', 'auth_method', 'key_type', 'credential_id', 'host_keys'] as const;

export const newAddress: AddressValues = { url: '', way: 'none', username: '', keyType: 'ed25519', credentialId: '', hostKeys: '' };

export function addressValues(form: Form, urlName: string): AddressValues {
  const way = form.text('auth');
  return {
    url: form.text(urlName),
    way: signInWays.find((known) => known === way) ?? 'none',
    username: form.text('username'),
    keyType: form.text('key_type') === 'rsa' ? 'rsa' : 'ed25519',
    credentialId: form.text('credential_id'),
    hostKeys: form.exact('host_keys'),
  };
}

/**
 * The API's parameters. `isNew`: nothing is stored yet, so there is nothing to take away. A password goes from the form straight into the call and is
 * never put into a page again.
 */
export function addressInput(
  form: Form,
  urlName: string,
  { isNew, credentials }: { readonly isNew: boolean; readonly credentials: readonly CredentialOption[] },
): Record<string, unknown> {
  const values = addressValues(form, urlName);
  const lines = values.hostKeys.split(/\r?\n/).filter((line) => line.trim() !== '');
  const isSsh = /^ssh:/i.test(values.url);
  return {
    [urlName]: values.url,
    ...signInInput(values, form, isNew, credentials),
    ...(isSsh || lines.length > 0 ? { host_keys: lines } : {}),
  };
}

function signInInput(values: AddressValues, form: Form, isNew: boolean, credentials: readonly CredentialOption[]): object {
  switch (values.way) {
    case 'keep':
      return {};
    case 'none':
      return isNew ? {} : { auth_method: passwordMethod, username: null, password: null, credential_id: null };
    case 'shared': {
      const chosen = credentials.find(({ id }) => String(id) === values.credentialId);
      return { credential_id: values.credentialId, ...(chosen === undefined ? {} : { auth_method: chosen.auth_method }) };
    }
    default:
      return ownCredentialInput(values.way, values, form, isNew);
  }
}

function ownCredentialInput(method: AuthMethod, values: AddressValues, form: Form, isNew: boolean): object {
  if (!methodOf(method).makesKeyPair) return { auth_method: method, username: values.username, password: form.exact('password') };
  return {
    auth_method: method,
    key_type: values.keyType,
    ...(isNew ? {} : { credential_id: null }),
    ...(values.username === '' ? {} : { username: values.username }),
  };
}

/** Asks the host for its keys. The answer's faults are those of the field `url`. */
export function detectHostKeys(visit: Visit, url: string) {
  return api(visit, sshHostKeyEndpoints.detect, {}, { url });
}

/** The values with what the host offered filled in. */
export function withDetectedKeys(values: AddressValues, { known_hosts: hostKeys, fingerprints }: DetectedKeys): AddressValues {
  return { ...values, hostKeys, detected: fingerprints };
}

/** Those that this person may choose, at most `consoleLimits.offeredCredentials`: only owners see them. */
export async function credentialOptions(visit: Visit): Promise<readonly CredentialOption[]> {
  if (!isInstanceOwner(visit.token)) return [];
  const options: CredentialOption[] = [];
  for (let page = 1; options.length < consoleLimits.offeredCredentials; page++) {
    const answer = await api(visit, credentialEndpoints.list, {}, { page, per_page: 100, sort: 'asc' });
    if ('refusal' in answer) break;
    options.push(...answer.body);
    if ((answer.headers?.['x-next-page'] ?? '') === '') break;
  }
  return options;
}
