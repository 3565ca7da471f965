/** The one place where settings become objects: reads the environment, builds what use cases need. */
import type { CommandSettings, Endpoint } from '../lib/cli/parse-arguments.ts';
import { createDeadline, type Deadline } from '../lib/core/deadline.ts';
import { createRedactor, type Redactor, type SecretPair } from '../lib/core/redact.ts';
import type { SyncDeps } from '../lib/mirror/sync.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';

export function commandSettings(): CommandSettings {
  return {
    allowAddresses: process.env['GITFERRY_ALLOW_ADDRESSES'],
    sourcePassword: process.env['GITFERRY_SOURCE_PASSWORD'],
    targetPassword: process.env['GITFERRY_TARGET_PASSWORD'],
  };
}

/** The environment in which the demo runs git: this one, without the person's own git configuration. */
export function demoEnvironment(): NodeJS.ProcessEnv {
  const who = {
    GIT_AUTHOR_NAME: 'Demo',
    GIT_AUTHOR_EMAIL: 'demo@example.org',
    GIT_COMMITTER_NAME: 'Demo',
    GIT_COMMITTER_EMAIL: 'demo@example.org',
  };
  return { ...process.env, ...who, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
}

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
      redactor: createRedactor([...secretsOf(source), ...secretsOf(target)]),
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

/** Tokens have at least this many characters; a shorter user name alone (`git`, a login) is no secret. */
const shortestToken = 8;
/** What goes in the place of the password where the token is the user name (GitHub). */
const placeholders: readonly string[] = ['', 'x', 'x-oauth-basic'];

/** The password, and the user name where that may be a token (`https://TOKEN@host/`, `https://TOKEN:x-oauth-basic@host/`). */
function secretsOf({ credential }: Endpoint): SecretPair[] {
  if (credential === undefined) return [];
  const { username, password } = credential;
  const isToken = placeholders.includes(password) && username.length >= shortestToken;
  return [credential, ...(isToken ? [{ password: username }] : [])];
}
