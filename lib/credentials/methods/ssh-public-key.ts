/** `ssh_public_key`: a key pair that is made here and whose private half never leaves. */
import type { CredentialMethod } from '../method.ts';

export const sshPublicKey: CredentialMethod = {
  word: 'SSH key',
  label: 'SSH key',
  hint: 'gitferry makes the key pair; you give its public key to the host.',
  schemes: ['ssh'],
  takesPassword: false,
  makesKeyPair: true,
  takesPrivateKey: false,
  fields: [],
};
