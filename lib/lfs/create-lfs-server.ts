/** Puts an end's LFS server together out of what a run knows of that end. */
import type { Deadline } from '../core/deadline.ts';
import type { LearningRedactor } from '../core/redact.ts';
import type { RemoteEndpoint } from '../git/transport/create-transport.ts';
import type { RepositoryUrl } from '../git/transport/repository-url.ts';
import type { AddressGuard } from '../net/address-guard.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { SshAuthenticate } from './lfs-endpoint.ts';
import { LfsServer } from './lfs-server.ts';
import type { Side } from './lfs-status.ts';

export interface LfsEnd extends RemoteEndpoint {
  readonly side: Side;
  /** Instead of the usual place. */
  readonly lfsUrl: RepositoryUrl | undefined;
}

export interface LfsEndDeps {
  readonly http: HttpClient;
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
  /** Of the run: what the server gives out is secret as well. */
  readonly redactor: LearningRedactor;
}

/** Connects to nothing yet. SSH is loaded when it is first used. */
export function createLfsServer(
  { side, url, credential, allowedUrls, hostKeys, lfsUrl }: LfsEnd,
  { http, guard, deadline, redactor }: LfsEndDeps,
): LfsServer {
  const overSsh: SshAuthenticate = async (operation) => {
    const { createSshAuthenticate } = await import('./ssh-authenticate.ts');
    return createSshAuthenticate({ url, credential, hostKeys }, { guard, deadline })(operation);
  };
  const authenticate = url.scheme === 'ssh' ? overSsh : undefined;
  return new LfsServer(
    { side, url, credential, allowedUrls, lfsUrl, ...(authenticate === undefined ? {} : { authenticate }) },
    { http, deadline, redactor },
  );
}
