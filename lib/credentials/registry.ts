/** The ways to sign in, one row each; the API calls them `auth_method`. */
import type { CredentialMethod } from './method.ts';
import { password } from './methods/password.ts';
import { sshPublicKey } from './methods/ssh-public-key.ts';

const methods = {
  password,
  ssh_public_key: sshPublicKey,
} satisfies Readonly<Record<string, CredentialMethod>>;

export type AuthMethod = keyof typeof methods;

export const authMethods = Object.keys(methods) as [AuthMethod, ...AuthMethod[]];

export function methodOf(name: AuthMethod): CredentialMethod {
  return methods[name];
}

/** The one that makes key pairs, and the one that takes what somebody types. */
export const keyPairMethod: AuthMethod = 'ssh_public_key';
export const passwordMethod: AuthMethod = 'password';

/** As a choice in a form. */
export function choiceOf(name: AuthMethod): { readonly label: string; readonly hint?: string } {
  const { label, hint }: CredentialMethod = methods[name];
  return { label, ...(hint === undefined ? {} : { hint }) };
}
