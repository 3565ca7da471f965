/** The transport that a repository's URL asks for: HTTP or SSH. */
import type { Deadline } from '../../core/deadline.ts';
import type { Credential } from '../../credentials/credential.ts';
import type { AddressGuard } from '../../net/address-guard.ts';
import type { HttpClient } from '../../net/http-client.ts';
import { createHttpTransport } from './http/http.ts';
import type { RepositoryUrl } from './repository-url.ts';
import type { SshConnection } from './ssh/ssh-connection.ts';
import type { SshPool } from './ssh/ssh-pool.ts';
import type { Conversation, Transport } from './transport.ts';

/** One end of a mirror. */
export interface RemoteEndpoint {
  readonly url: RepositoryUrl;
  readonly credential: Credential | undefined;
  /** Where the credential may be used; undefined = everywhere on the URL's host. */
  readonly allowedUrls?: readonly string[] | undefined;
  /** Of a credential that lives for minutes: asked before each request over HTTP. */
  readonly renew?: (() => Promise<Credential>) | undefined;
  /** Stored known_hosts lines; for ssh:// only. */
  readonly hostKeys: readonly string[];
}

export interface TransportDeps {
  readonly http: HttpClient;
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
  /** Keeps SSH connections between the runs of a process. */
  readonly sshPool?: SshPool<SshConnection>;
}

/** Connects to nothing yet. SSH is loaded when it is first used: runs over HTTP do not pay for it. */
export function createTransport({ url, credential, allowedUrls, renew, hostKeys }: RemoteEndpoint, deps: TransportDeps): Transport {
  if (url.scheme !== 'ssh') return createHttpTransport(url, credential, { ...deps, allowedUrls, renew });
  let loading: Promise<Transport> | undefined;
  const load = (): Promise<Transport> => {
    loading ??= import('./ssh/ssh.ts').then(({ createSshTransport }) => createSshTransport(url, credential, { ...deps, hostKeys }));
    return loading;
  };
  return {
    href: url.href,
    address: url.href,
    open: async (service, options): Promise<Conversation> => (await load()).open(service, options),
    close: async () => (await loading)?.close(),
  };
}
