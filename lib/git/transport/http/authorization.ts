/** The Authorization header of Basic and Bearer authentication (RFC 7617, RFC 6750), for Git and Git LFS. */

import type { Credential } from '../../../credentials/credential.ts';
import { defaultUserName } from '../../../credentials/default-user-name.ts';

export type AuthorizationScheme = 'basic' | 'bearer';

/** `hostname` is the one that the header is sent to: it decides which user name stands for a missing one. As a Bearer token goes the password, or the user name where there is none. */
export function authorization(scheme: AuthorizationScheme, { username, password }: Credential, hostname: string): string {
  if (scheme === 'bearer') return `Bearer ${password === '' ? username : password}`;
  const name = username === '' ? defaultUserName(hostname, password) : username;
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}
