/** A credential that somebody has typed and not saved, for a dry run: read like a secret, kept nowhere. */
import type { Credential } from '../../credentials/credential.ts';
import type { SecretStore } from '../../model/secret-store.ts';

/** What the settings refer to it by; no name in Secrets Manager begins like this. */
export const unsavedSecret = { kind: 'own', secretName: ':unsaved' } as const;

/** The store itself where nothing was typed. */
export function withUnsavedSecret(secrets: Pick<SecretStore, 'read'>, value: Credential | undefined): Pick<SecretStore, 'read'> {
  if (value === undefined) return secrets;
  return { read: async (name, options) => (name === unsavedSecret.secretName ? value : secrets.read(name, options)) };
}
