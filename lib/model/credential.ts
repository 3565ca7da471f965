/** Credentials: where a mirror's or project's is kept, and what it holds. Values live in Secrets Manager only. */

/** How one signs in; the API calls it `auth_method`. */
export const authMethods = ['password', 'ssh_public_key'] as const;
export type AuthMethod = (typeof authMethods)[number];

/** Either a secret of its own, or a shared, named credential. */
export type CredentialReference =
  | { readonly kind: 'own'; readonly secretName: string }
  | { readonly kind: 'shared'; readonly credentialId: number };

/** A credential that many mirrors and projects can use. */
export interface SharedCredential {
  readonly id: number;
  readonly name: string;
  readonly secretName: string;
  /** As in authorized_keys; null = it holds a password. */
  readonly publicKey: string | null;
  /** Hosts and folders on them where it may be used (lib/git/transport/allowed-urls.ts); null = made before there were any, and not asked for since. */
  readonly allowedUrls: readonly string[] | null;
  readonly createdAt: number;
  /** When its value was last set. */
  readonly updatedAt: number;
}

/** What a secret holds, as JSON. */
export interface CredentialValue {
  readonly username: string;
  /** Empty where there is a key pair. */
  readonly password: string;
  /** In OpenSSH's own format, unencrypted. It leaves Secrets Manager for the worker's memory only. */
  readonly privateKey?: string;
  /** As in authorized_keys. */
  readonly publicKey?: string;
}

/** A shared credential that a host refuses: one fact for all mirrors that use it there. */
export interface RefusedCredential {
  readonly credentialId: number;
  readonly host: string;
}
