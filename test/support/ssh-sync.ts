/** Runs a sync in this process between ends that may be ssh://, with credentials and host keys given as objects. */
import { wireSync } from '../../functions/command-wiring.ts';
import { parseArguments } from '../../lib/cli/parse-arguments.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import type { Credential } from '../../lib/credentials/credential.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { syncRepositories } from '../../lib/mirror/sync.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import type { Sshd } from './sshd.ts';

export interface RemoteEnd {
  readonly url: string;
  readonly credential?: Credential;
  readonly hostKeys?: readonly string[];
}

/** A repository on this server, by its absolute path. */
export function endAt(sshd: Sshd, path: string): RemoteEnd {
  return { url: sshd.url(path), credential: { username: sshd.user, password: '', privateKey: sshd.privateKey }, hostKeys: sshd.hostKeys };
}

/** `gitferry sync` with these options, loopback allowed. */
export async function syncEnds(source: RemoteEnd, target: RemoteEnd, options: readonly string[] = []): Promise<RunOutcome> {
  const names = ['https://source.example/r', 'https://target.example/r'];
  const command = await parseArguments(['sync', ...names, ...options], { sourcePassword: undefined, targetPassword: undefined });
  if (command.kind !== 'sync') throw new Error('not a sync command');
  const { deps, close } = await wireSync(command);
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  const ends = { source, target };
  try {
    return await syncRepositories(command, {
      ...deps,
      redactor: createRedactor([source.credential, target.credential].flatMap((credential) => credential ?? [])),
      connect(side, until) {
        const { url, credential, hostKeys = [] } = ends[side];
        return createTransport({ url: parseRepositoryUrl(url, side).url, credential, hostKeys }, { guard, http, deadline: until });
      },
    });
  } finally {
    await Promise.all([close(), http.close()]);
  }
}
