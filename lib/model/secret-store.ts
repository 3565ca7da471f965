/** Secrets as use cases see them: named values in Secrets Manager, read through a short cache. */

/** A part of a secret's name: what a function's role may read ends at it (infra/roles.yml). */
export const secretKinds = ['mirror', 'project', 'credential', 'channel'] as const;
export type SecretKind = (typeof secretKinds)[number];

export interface SecretStore {
  /** Keeps a value under a new name, which is never used again. */
  create(kind: SecretKind, value: object): Promise<string>;
  /** The value; at most a minute old, or just read with `fresh`. Throws `secret_missing` or `secrets_unavailable`. */
  read(name: string, options?: { readonly fresh?: boolean }): Promise<unknown>;
  /** Replaces the value under the same name. */
  update(name: string, value: object): Promise<void>;
  /** Not an error if it is gone. */
  delete(name: string): Promise<void>;
  /** The instance's own key by a fixed name, 32 random bytes in base64url, made on first use. */
  signingKey(): Promise<string>;
}
