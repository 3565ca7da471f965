/** How calls name a repository's address and the way one signs in there; the names of GitLab's calls are taken as well as our own. */
import type { z } from 'zod';
import { authMethods } from '../../credentials/registry.ts';
import { badRequest } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import { choice, idField, text, texts } from '../http/fields.ts';
import { sshKeyTypes } from './key-pair.ts';
import type { GivenAddress } from './remote-address.ts';

export function urlField() {
  return text(apiLimits.urlCharacters).meta({ example: 'https://user:token@git.example.org/group/name.git' });
}

export const credentialFields = {
  username: text(apiLimits.userNameCharacters).nullable().optional(),
  password: text(apiLimits.passwordCharacters).nullable().optional(),
} as const;

/** Beside the URL. `auth_user` and `auth_password` are the names of GitLab's pull mirrors. */
export const signInFields = {
  ...credentialFields,
  auth_user: text(apiLimits.userNameCharacters).nullable().optional(),
  auth_password: text(apiLimits.passwordCharacters).nullable().optional(),
  credential_id: idField().nullable().optional(),
  auth_method: choice(authMethods).optional(),
  host_keys: texts(8192).optional(),
  key_type: choice(sshKeyTypes).optional(),
} as const;

type SignIn = z.output<z.ZodObject<typeof signInFields>>;

/** Refuses with 400 if one thing is given under two names. */
export function givenAddress(urlField: string, url: string | undefined, input: SignIn): GivenAddress {
  return {
    urlField,
    url,
    username: oneOf('username', input.username, 'auth_user', input.auth_user),
    password: oneOf('password', input.password, 'auth_password', input.auth_password),
    credentialId: input.credential_id,
    authMethod: input.auth_method,
    hostKeys: input.host_keys,
    keyType: input.key_type,
  };
}

/** The one that is given. */
export function oneOf<T>(name: string, value: T | undefined, otherName: string, other: T | undefined): T | undefined {
  if (value !== undefined && other !== undefined) throw badRequest(`${name}, ${otherName} are mutually exclusive`);
  return value === undefined ? other : value;
}
