/** The public halves of key pairs: shown, and replaced together with the private half. */

import type { Credential } from '../../credentials/credential.ts';
import { type AuthMethod, methodOf } from '../../credentials/registry.ts';
import type { CredentialReference } from '../../credentials/shared-credential.ts';
import type { SshKeyType } from '../../git/transport/ssh/ssh-key-pair.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import type { SecretKind } from '../../model/secret-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import { badRequest, notFound } from '../http/api-error.ts';
import { generateKeyPair, keyTypeOf } from '../input/key-pair.ts';
import { dropReplaced, readCredential, withOwnSecret } from '../input/own-secret.ts';
import { resetMirrors } from './save-project.ts';

interface KeyHolder {
  readonly authMethod: AuthMethod;
  readonly credential: CredentialReference | null;
  readonly publicKey: string | null;
}

/** Its own, or that of the shared credential it uses. Refuses with 404 where it signs in with none. */
export async function publicKeyOf(
  { authMethod, credential, publicKey }: KeyHolder,
  { records }: Pick<ApiDeps, 'records'>,
): Promise<string> {
  if (!methodOf(authMethod).makesKeyPair) throw notFound();
  const key = credential?.kind === 'shared' ? (await records.credentials.get(credential.credentialId))?.publicKey : publicKey;
  if (key === null || key === undefined) throw notFound();
  return key;
}

/** A new pair for a mirror, of the same type unless another is given. Its status starts anew; no run is asked for: the host does not know the key yet. */
export async function renewMirrorKey(mirror: Mirror, type: SshKeyType | undefined, deps: ApiDeps): Promise<string> {
  return renew(mirror, type, deps, 'mirror', (changes) => deps.records.mirrors.update(mirror, changes, { resetStatus: true }));
}

/** The same for a project; its mirrors start anew. */
export async function renewProjectKey(project: Project, type: SshKeyType | undefined, deps: ApiDeps): Promise<string> {
  const publicKey = await renew(project, type, deps, 'project', async (changes) => {
    const after = await deps.records.projects.update(project.id, changes);
    return typeof after === 'string' ? undefined : after;
  });
  await resetMirrors(await deps.records.mirrors.ofProject(project.id), deps);
  return publicKey;
}

/** What replaces the value of a key pair: another pair for the same user. */
export async function renewedValue(
  { secretName, publicKey }: { readonly secretName: string; readonly publicKey: string },
  type: SshKeyType | undefined,
  deps: ApiDeps,
): Promise<Credential & { readonly publicKey: string }> {
  const old = await readCredential(secretName, deps);
  return { username: old?.username ?? '', password: '', ...(await generateKeyPair(type ?? keyTypeOf(publicKey), deps)) };
}

async function renew(
  holder: KeyHolder,
  type: SshKeyType | undefined,
  deps: ApiDeps,
  kind: SecretKind,
  write: (changes: { readonly credential: CredentialReference | null; readonly publicKey: string }) => Promise<KeyHolder | undefined>,
): Promise<string> {
  const publicKey = await publicKeyOf(holder, deps);
  const { credential } = holder;
  if (credential?.kind !== 'own')
    throw badRequest(
      `the key belongs to shared credential ${credential?.credentialId}: POST /credentials/${credential?.credentialId}/public_key renews it`,
    );
  const value = await renewedValue({ secretName: credential.secretName, publicKey }, type, deps);
  const after = await withOwnSecret(
    { value, otherwise: null, kind },
    (own) => write({ credential: own, publicKey: value.publicKey }),
    (result) => result === undefined,
    deps,
  );
  if (after === undefined) throw notFound();
  await dropReplaced(credential, after.credential, deps);
  return value.publicKey;
}
