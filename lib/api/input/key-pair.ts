/** Key pairs for mirrors, projects and shared credentials: made on this instance, and said to be so. */
import type { SshKeyPair, SshKeyType } from '../../git/transport/ssh/ssh-key-pair.ts';
import type { ApiDeps } from '../api-deps.ts';

export const sshKeyTypes = ['ed25519', 'rsa'] as const satisfies readonly SshKeyType[];

/** Of the key in this line of authorized_keys. */
export function keyTypeOf(publicKey: string): SshKeyType {
  return publicKey.startsWith('ssh-rsa ') ? 'rsa' : 'ed25519';
}

/** A new pair with the comment `gitferry@HOST`. RSA takes a second or more, outside the event loop. */
export async function generateKeyPair(type: SshKeyType, { publicUrl }: Pick<ApiDeps, 'publicUrl'>): Promise<SshKeyPair> {
  // Loaded when it is needed: ssh2 is large, and most calls make no keys.
  const { generateSshKeyPair } = await import('../../git/transport/ssh/ssh-key-pair.ts');
  return generateSshKeyPair({ type, comment: `gitferry@${new URL(publicUrl).hostname}` });
}
