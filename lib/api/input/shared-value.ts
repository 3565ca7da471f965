/** The value of a shared credential: what a call gives, checked by its method, and put together with what is stored. */
import type { z } from 'zod';
import type { Credential } from '../../credentials/credential.ts';
import { type AuthMethod, keyPairMethod, methodOf, passwordMethod } from '../../credentials/registry.ts';
import type { SharedCredential } from '../../credentials/shared-credential.ts';
import type { ApiDeps } from '../api-deps.ts';
import { badParameter, invalidField } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import { choice, text } from '../http/fields.ts';
import { credentialFields } from './address-input.ts';
import { checkCredentialValue } from './credential-value.ts';
import { generateKeyPair, sshKeyTypes } from './key-pair.ts';
import { checkedSettings, hasMethodFields } from './method-fields.ts';
import { readCredential } from './own-secret.ts';

/** Beside name, method and its own fields. */
export const valueFields = { ...credentialFields, private_key: text(apiLimits.privateKeyCharacters).nullable().optional() } as const;
export const keyTypeField = choice(sshKeyTypes).optional();

type GivenValue = z.output<z.ZodObject<typeof valueFields>>;

export interface SharedValue {
  /** To be kept as its secret; undefined = the method has none, or it stays as it is. */
  readonly secret: Credential | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

/** Refuses with 400. */
export async function newSharedValue(
  method: AuthMethod,
  input: GivenValue & { readonly key_type?: z.output<typeof keyTypeField> },
  deps: Pick<ApiDeps, 'publicUrl'>,
): Promise<SharedValue> {
  const { takesPassword, makesKeyPair } = methodOf(method);
  refuseForeignFields(method, input);
  if (!makesKeyPair && input.key_type !== undefined) throw badParameter('key_type', `goes with auth_method ${keyPairMethod}`);
  const value = { username: input.username ?? '', password: input.password ?? '' };
  if (takesPassword && value.username === '' && value.password === '') throw badParameter('password', 'is missing');
  checkCredentialValue(value);
  if (makesKeyPair) return { secret: { ...value, ...(await generateKeyPair(input.key_type ?? 'ed25519', deps)) }, settings: {} };
  return checked(method, { ...value, ...privateKeyOf(input) }, checkedSettings(method, input));
}

/** What is not given stays; undefined = nothing changes. Refuses with 400. */
export async function changedSharedValue(
  { authMethod: method, secretName, settings }: SharedCredential,
  input: GivenValue,
  deps: Pick<ApiDeps, 'secrets'>,
): Promise<SharedValue | undefined> {
  const isSecret = input.username !== undefined || input.password !== undefined || input.private_key !== undefined;
  if (!isSecret && !hasMethodFields(input)) return undefined;
  const { makesKeyPair, takesPassword } = methodOf(method);
  if (makesKeyPair && (input.password ?? '') !== '') throw invalidField('password', 'does not go with a key pair');
  refuseForeignFields(method, input);
  const old = secretName === null ? undefined : await readCredential(secretName, deps);
  if (makesKeyPair && old === undefined)
    throw invalidField('username', 'belongs to a key pair that is gone: make a new one with POST .../public_key');
  const value = {
    ...old,
    username: input.username === undefined ? (old?.username ?? '') : (input.username ?? ''),
    password: input.password === undefined ? (old?.password ?? '') : (input.password ?? ''),
    ...privateKeyOf(input),
  };
  if (takesPassword && value.username === '' && value.password === '') throw badParameter('password', 'is missing');
  checkCredentialValue(value);
  const after = checked(method, value, checkedSettings(method, input, settings));
  if (isSecret) return after;
  return isSame(after.settings, settings) ? undefined : { ...after, secret: undefined };
}

function refuseForeignFields(method: AuthMethod, { username, password, private_key: privateKey }: GivenValue): void {
  const { takesPassword, makesKeyPair, takesPrivateKey } = methodOf(method);
  if (!takesPassword && (password ?? '') !== '') throw badParameter('password', `goes with auth_method ${passwordMethod}`);
  if (!takesPassword && !makesKeyPair && (username ?? '') !== '') throw badParameter('username', `does not go with auth_method ${method}`);
  if (!takesPrivateKey && (privateKey ?? '') !== '') throw badParameter('private_key', `does not go with auth_method ${method}`);
}

function checked(method: AuthMethod, value: Credential, settings: SharedValue['settings']): SharedValue {
  const { fault, takesPassword, makesKeyPair, takesPrivateKey } = methodOf(method);
  const found = fault?.(settings, { privateKey: value.privateKey, password: value.password });
  if (found !== undefined) throw invalidField(found.field, found.why);
  const hasSecret = takesPassword || makesKeyPair || (takesPrivateKey && value.privateKey !== undefined);
  return { secret: hasSecret ? value : undefined, settings };
}

function isSame(a: SharedValue['settings'], b: SharedValue['settings']): boolean {
  const plain = (settings: SharedValue['settings']): string => JSON.stringify(Object.entries(settings).sort());
  return plain(a) === plain(b);
}

function privateKeyOf({ private_key: given }: GivenValue): Pick<Credential, 'privateKey'> {
  return given === undefined || given === null || given.trim() === '' ? {} : { privateKey: `${given.trim()}\n` };
}
