/** What a run of the command line needs, built out of its arguments. */
import type { CommandSettings, Endpoint } from '../lib/cli/parse-arguments.ts';
import { createDeadline, type Deadline } from '../lib/core/deadline.ts';
import { createRedactor, type Redactor } from '../lib/core/redact.ts';
import { secretsOf } from '../lib/core/secrets-of.ts';
import type { SyncDeps } from '../lib/mirror/sync.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';

/** A redactor for what came by the environment, before anything else is known. */
export function createEnvironmentRedactor({ sourcePassword, targetPassword }: CommandSettings): Redactor {
  return createRedactor([sourcePassword, targetPassword].flatMap((password) => (password === undefined ? [] : [{ password }])));
}

export interface SyncSettings {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly allowAddresses: readonly string[];
  readonly timeoutSeconds: number;
}

export interface SyncWiring {
  readonly deps: SyncDeps;
  close(): Promise<void>;
}

/** The HTTP client is loaded here and not with this module: it is most of what a command has to load. */
export async function wireSync({ source, target, allowAddresses, timeoutSeconds }: SyncSettings): Promise<SyncWiring> {
  const [{ createHttpClient }, { createHttpTransport }] = await Promise.all([
    import('../lib/net/http-client.ts'),
    import('../lib/git/transport/http.ts'),
  ]);
  const guard = createAddressGuard(allowAddresses);
  const http = createHttpClient(guard);
  const deadline = createDeadline(timeoutSeconds * 1000);
  const endpoints = { source, target };
  return {
    deps: {
      deadline,
      redactor: createRedactor([...secretsOf(source.credential), ...secretsOf(target.credential)]),
      connect(side: 'source' | 'target', until: Deadline) {
        const { url, credential } = endpoints[side];
        return createHttpTransport(url, credential, { http, guard, deadline: until });
      },
    },
    async close() {
      deadline.clear();
      await http.close();
    },
  };
}
