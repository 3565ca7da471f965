/** How mirrors and projects refer to their credential, and the credentials that many of them share. */
import type { AuthMethod } from './registry.ts';

/** Either a secret of its own, or a shared, named credential. */
export type CredentialReference =
  | { readonly kind: 'own'; readonly secretName: string }
  | { readonly kind: 'shared'; readonly credentialId: number };

/** A credential that many mirrors and projects can use. */
export interface SharedCredential {
  readonly id: number;
  readonly name: string;
  readonly authMethod: AuthMethod;
  /** null = its method stores no secret. */
  readonly secretName: string | null;
  /** Of the method's own fields (method.ts), by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** As in authorized_keys; null = it has no key pair. */
  readonly publicKey: string | null;
  /** Hosts and folders on them where it may be used (lib/git/transport/allowed-urls.ts); null = made before there were any, and not asked for since. */
  readonly allowedUrls: readonly string[] | null;
  /** When it ends, as its host says; null = not known, or never. */
  readonly expiresAt: number | null;
  /** Since when its token is being renewed; null = it is not. */
  readonly renewingSince: number | null;
  readonly createdAt: number;
  /** When its value was last set. */
  readonly updatedAt: number;
}

/** A shared credential that a host refuses: one fact for all mirrors that use it there. */
export interface RefusedCredential {
  readonly credentialId: number;
  readonly host: string;
}
