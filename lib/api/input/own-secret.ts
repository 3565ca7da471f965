/** Keeps a credential of its own beside the record that names it: made before the record is written, removed when the record is not, or no longer, there. */
import { GitferryError, toGitferryError } from '../../core/errors.ts';
import type { Credential } from '../../credentials/credential.ts';
import type { CredentialReference } from '../../credentials/shared-credential.ts';
import type { SecretKind } from '../../model/secret-store.ts';
import type { ApiDeps } from '../api-deps.ts';

type SecretDeps = Pick<ApiDeps, 'secrets' | 'log'>;

/**
 * Stores `value` (if any) and runs `write` with the reference to it, or with `otherwise`. A write that throws or resolves with something that `failed`
 * says is no success leaves no secret behind.
 */
export async function withOwnSecret<T>(
  {
    value,
    otherwise,
    kind,
  }: { readonly value: Credential | undefined; readonly otherwise: CredentialReference | null; readonly kind: SecretKind },
  write: (credential: CredentialReference | null) => Promise<T>,
  failed: (result: T) => boolean,
  deps: SecretDeps,
): Promise<T> {
  if (value === undefined) return write(otherwise);
  const secretName = await deps.secrets.create(kind, value);
  let done = false;
  try {
    const result = await write({ kind: 'own', secretName });
    done = !failed(result);
    return result;
  } finally {
    if (!done) await dropSecret({ kind: 'own', secretName }, deps);
  }
}

/** Of a record that is gone or has another by now. A secret that cannot be removed is logged: nobody refers to it any more. */
export async function dropSecret(credential: CredentialReference | null, { secrets, log }: SecretDeps): Promise<void> {
  if (credential?.kind !== 'own') return;
  try {
    await secrets.delete(credential.secretName);
  } catch (error) {
    log.write('warn', 'secret_left_behind', { secret: credential.secretName, error: toGitferryError(error).message });
  }
}

/** Once `now` is written: removes the secret of `before` if it is no longer the one in use. */
export async function dropReplaced(before: CredentialReference | null, now: CredentialReference | null, deps: SecretDeps): Promise<void> {
  if (before?.kind === 'own' && !(now?.kind === 'own' && now.secretName === before.secretName)) await dropSecret(before, deps);
}

/** Fresh, to complete it by what a call changes; undefined if it is gone. */
export async function readCredential(secretName: string, { secrets }: Pick<ApiDeps, 'secrets'>): Promise<Credential | undefined> {
  try {
    return (await secrets.read(secretName, { fresh: true })) as Credential;
  } catch (error) {
    if (error instanceof GitferryError && error.code === 'secret_missing') return undefined;
    throw error;
  }
}
