/** What a run of the command line needs, built out of its arguments. */
import type { CommandSettings, HostKeysCommand } from '../lib/cli/parse-arguments.ts';
import { createDeadline, type Deadline } from '../lib/core/deadline.ts';
import { createRedactor, type LearningRedactor, type Redactor } from '../lib/core/redact.ts';
import { secretsOf } from '../lib/credentials/secrets-of.ts';
import { ListMemory, listBytesFor } from '../lib/git/client/list-memory.ts';
import type { RemoteEndpoint } from '../lib/git/transport/create-transport.ts';
import { type DetectedHostKey, detectHostKeys } from '../lib/git/transport/host-keys/detect-host-keys.ts';
import type { RepositoryUrl } from '../lib/git/transport/repository-url.ts';
import type { SyncDeps } from '../lib/mirror/sync-input.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { functionMemoryMiB } from './wiring.ts';

/** A redactor for what came by the environment, before anything else is known. */
export function createEnvironmentRedactor({ sourcePassword, targetPassword }: CommandSettings): Redactor {
  return createRedactor([sourcePassword, targetPassword].flatMap((password) => (password === undefined ? [] : [{ password }])));
}

/** Where the LFS server of an end is, if it is not at the usual place. */
export interface LfsUrls {
  readonly source: RepositoryUrl | undefined;
  readonly target: RepositoryUrl | undefined;
}

export interface SyncSettings {
  readonly source: RemoteEndpoint;
  readonly target: RemoteEndpoint;
  readonly allowAddresses: readonly string[];
  readonly timeoutSeconds: number;
  readonly lfsUrls?: LfsUrls;
}

export interface SyncWiring {
  readonly deps: SyncDeps;
  close(): Promise<void>;
}

/** The HTTP client is loaded here and not with this module: it is most of what a command has to load. */
export async function wireSync({ source, target, allowAddresses, timeoutSeconds, lfsUrls }: SyncSettings): Promise<SyncWiring> {
  const [{ createHttpClient }, { createTransport }, { createLfsServer }] = await Promise.all([
    import('../lib/net/http-client.ts'),
    import('../lib/git/transport/create-transport.ts'),
    import('../lib/lfs/create-lfs-server.ts'),
  ]);
  const guard = createAddressGuard(allowAddresses);
  const http = createHttpClient(guard);
  const deadline = createDeadline(timeoutSeconds * 1000);
  const endpoints = { source, target };
  return {
    deps: {
      deadline,
      listMemory: new ListMemory(listBytesFor(functionMemoryMiB())),
      redactor: createRedactor([...secretsOf(source.credential), ...secretsOf(target.credential)]),
      connect(side: 'source' | 'target', until: Deadline) {
        return createTransport(endpoints[side], { http, guard, deadline: until });
      },
      connectLfs(side: 'source' | 'target', until: Deadline, redactor: LearningRedactor) {
        return createLfsServer({ side, ...endpoints[side], lfsUrl: lfsUrls?.[side] }, { http, guard, deadline: until, redactor });
      },
    },
    async close() {
      deadline.clear();
      await http.close();
    },
  };
}

/** The keys that a server offers, within the command's time. */
export async function detectForCommand({ place, allowAddresses, timeoutSeconds }: HostKeysCommand): Promise<readonly DetectedHostKey[]> {
  const deadline = createDeadline(timeoutSeconds * 1000);
  try {
    return await detectHostKeys(place, { guard: createAddressGuard(allowAddresses), deadline });
  } finally {
    deadline.clear();
  }
}
