/** What a family of hosts says of itself: where its API is, how one signs in, and how to begin. */
import type { HostSession } from './host.ts';
import type { HostApi } from './host-api.ts';

/** What signs in to the API. Of a credential for Git the password is the token, or the user name where there is no password. */
export interface HostToken {
  readonly username: string;
  readonly token: string;
}

export interface HostFamilyRules {
  /** As people call it. */
  readonly label: string;
  /** From the origin of its pages; without a slash at the end. */
  apiBase(web: URL): string;
  headers(token: HostToken): Readonly<Record<string, string>>;
  /** `web` = origin of its pages, for links. */
  open(api: HostApi, web: string): HostSession;
}
