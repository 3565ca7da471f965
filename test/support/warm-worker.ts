/** What a worker process of the service is for its runs: one HTTP client and one pool of SSH connections for all of them. */
import { parseArguments } from '../../lib/cli/parse-arguments.ts';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import type { SshConnection } from '../../lib/git/transport/ssh/ssh-connection.ts';
import { SshPool } from '../../lib/git/transport/ssh/ssh-pool.ts';
import { createLfsServer } from '../../lib/lfs/create-lfs-server.ts';
import type { NarrowInput } from '../../lib/mirror/list-narrowly.ts';
import { syncRepositories } from '../../lib/mirror/sync.ts';
import type { RunWay } from '../../lib/mirror/sync-input.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import type { RemoteEnd } from './ssh-sync.ts';
import type { WayOfRun } from './sync.ts';

export interface WarmWorker {
  /** `gitferry sync` with these options, loopback allowed. */
  run(source: RemoteEnd, target: RemoteEnd, options?: readonly string[], narrow?: NarrowInput): Promise<WayOfRun>;
  close(): Promise<void>;
}

export function startWarmWorker(): WarmWorker {
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  const sshPool = new SshPool<SshConnection>();
  return {
    async run(source, target, options = [], narrow) {
      const names = ['https://source.example/r', 'https://target.example/r'];
      const command = await parseArguments(['sync', ...names, ...options], { sourcePassword: undefined, targetPassword: undefined });
      if (command.kind !== 'sync') throw new Error('not a sync command');
      const deadline = createDeadline(60_000);
      const ends = { source, target };
      let way: RunWay | undefined;
      try {
        const endpointOf = (side: 'source' | 'target', address = ends[side].url) => {
          const { credential, hostKeys = [] } = ends[side];
          return { url: parseRepositoryUrl(address, side).url, credential, hostKeys };
        };
        const outcome = await syncRepositories(
          { ...command, narrow },
          {
            deadline,
            redactor: createRedactor([source.credential, target.credential].flatMap((credential) => credential ?? [])),
            connect: (side, until, address) => createTransport(endpointOf(side, address), { guard, http, deadline: until, sshPool }),
            connectLfs: (side, until, redactor) =>
              createLfsServer({ side, ...endpointOf(side), lfsUrl: undefined }, { http, guard, deadline: until, redactor }),
            onWay: (told) => {
              way = told;
            },
          },
        );
        if (way === undefined) throw new Error('no way was told');
        return { outcome, way };
      } finally {
        deadline.clear();
      }
    },
    async close() {
      sshPool.close();
      await http.close();
    },
  };
}
