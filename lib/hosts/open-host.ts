/** A session at a host with one credential. */
import type { HostSession } from './host.ts';
import { HostApi, type HostApiDeps } from './host-api.ts';
import { familyOf, type HostFamily } from './host-registry.ts';

export interface HostCredential {
  readonly username: string;
  /** A token; empty = the user name is one. */
  readonly password: string;
}

/** `webUrl`: any page of the host. Asks nothing yet. */
export function openHost(family: HostFamily, webUrl: URL, { username, password }: HostCredential, deps: HostApiDeps): HostSession {
  const rules = familyOf(family);
  const token = password === '' ? username : password;
  // Without one, as anybody: an empty token would be a wrong one.
  const headers = token === '' ? {} : rules.headers({ username, token });
  const api = new HostApi({ base: rules.apiBase(webUrl), headers, secrets: [{ username, password: token }] }, deps);
  return rules.open(api, webUrl.origin);
}
