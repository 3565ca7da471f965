/** `password`: user name and password or token, sent as they are. */
import type { CredentialMethod } from '../method.ts';

export const password: CredentialMethod = {
  word: 'password',
  label: 'User name and password or token',
  schemes: ['https', 'http', 'ssh'],
  takesPassword: true,
  makesKeyPair: false,
  takesPrivateKey: false,
  fields: [],
};
