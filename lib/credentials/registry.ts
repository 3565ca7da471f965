/** The ways to sign in, one row each; the API calls them `auth_method`. */
import type { CredentialMethod } from './method.ts';
import { awsIam } from './methods/aws-iam.ts';
import { githubApp } from './methods/github-app.ts';
import { gitlabToken } from './methods/gitlab-token.ts';
import { password } from './methods/password.ts';
import { sshPublicKey } from './methods/ssh-public-key.ts';

const methods = {
  password,
  ssh_public_key: sshPublicKey,
  aws_iam: awsIam,
  github_app: githubApp,
  gitlab_token: gitlabToken,
} satisfies Readonly<Record<string, CredentialMethod>>;

export type AuthMethod = keyof typeof methods;

export const authMethods = Object.keys(methods) as [AuthMethod, ...AuthMethod[]];

/** Those that a mirror or project can have for itself; others are shared credentials, which an owner makes. */
export const ownAuthMethods = authMethods.filter((name) => methodOf(name).signIn === undefined);

export function methodOf(name: AuthMethod): CredentialMethod {
  return methods[name];
}

/** The one that makes key pairs, and the one that takes what somebody types. */
export const keyPairMethod: AuthMethod = 'ssh_public_key';
export const passwordMethod: AuthMethod = 'password';
