/** HTTP transports to servers on this machine, gone when the test ends, and what is asked of them in tests. */
import { onTestFinished } from 'vitest';
import { createDeadline, type Deadline } from '../../lib/core/deadline.ts';
import { createHttpTransport } from '../../lib/git/transport/http/http.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import type { Transport } from '../../lib/git/transport/transport.ts';
import type { GitService } from '../../lib/git/wire/advertisement.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { readAll } from './byte-streams.ts';

export interface TransportOptions {
  /** Addresses that may be connected to; loopback. */
  readonly allow?: readonly string[];
  readonly authorities?: string;
  readonly deadline?: Deadline;
}

/** A transport for this URL, with the user info in it as the credential. */
export function transportTo(text: string, { allow = ['127.0.0.0/8'], authorities, deadline }: TransportOptions = {}): Transport {
  const { url, userInfo } = parseRepositoryUrl(text, 'TEST');
  const guard = createAddressGuard(allow);
  const http = createHttpClient(guard, authorities === undefined ? {} : { authorities });
  const until = deadline ?? createDeadline(60_000);
  onTestFinished(async () => {
    until.clear();
    await http.close();
  });
  return createHttpTransport(url, userInfo, { http, guard, deadline: until });
}

/** Starts a server that is closed when the test ends. */
export async function forThisTest<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  onTestFinished(() => server.close());
  return server;
}

/** Opens a service and reads all that it says first. */
export async function discovered(transport: Transport, service: GitService = 'git-upload-pack', protocol: 0 | 2 = 2): Promise<string> {
  const { advertisement } = await transport.open(service, { protocol });
  return advertisement === undefined ? '' : (await readAll(advertisement)).toString('latin1');
}
