import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { createLfsServer } from '../../lib/lfs/create-lfs-server.ts';
import { type AddressGuard, createAddressGuard } from '../../lib/net/address-guard.ts';
import { connectSocket } from '../../lib/net/guarded-socket.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { codeOf } from '../support/byte-streams.ts';

const host = 'rebound.example';

interface Rebound {
  readonly guard: AddressGuard;
  readonly port: number;
  /** Connections by local address. */
  readonly connections: Readonly<Record<string, number>>;
  readonly lookups: () => number;
}

/** A name that is first at 127.0.0.1, which is allowed, and then at 127.0.0.2, which is not; servers listen at both. */
async function rebound(answers: readonly (readonly string[])[]): Promise<Rebound> {
  const connections: Record<string, number> = { '127.0.0.1': 0, '127.0.0.2': 0 };
  const listen = async (address: string, port: number): Promise<Server> => {
    const server = createServer((socket) => {
      connections[address] = (connections[address] ?? 0) + 1;
      socket.on('error', () => {});
      // Closed after each answer: the next request looks the name up again.
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'));
    });
    onTestFinished(() => void server.close());
    server.listen(port, address);
    await once(server, 'listening');
    return server;
  };
  const { port } = (await listen('127.0.0.1', 0)).address() as AddressInfo;
  await listen('127.0.0.2', port);
  let lookups = 0;
  const guard = createAddressGuard(['127.0.0.1'], (_name, _options, callback) => {
    const list = answers[Math.min(lookups++, answers.length - 1)] ?? [];
    callback(
      null,
      list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  });
  return { guard, port, connections, lookups: () => lookups };
}

type Connect = (rebound: Rebound) => Promise<unknown>;

const ways: Readonly<Record<string, Connect>> = {
  async 'a socket for SSH'({ guard, port }) {
    const socket = await connectSocket({ host, port }, guard, AbortSignal.timeout(10_000));
    socket.destroy();
  },
  async 'a request'({ guard, port }) {
    const http = createHttpClient(guard);
    onTestFinished(() => http.close());
    const signal = AbortSignal.timeout(10_000);
    const url = new URL(`http://${host}:${port}/`);
    const { body } = await http.request({ method: 'GET', url, headers: {}, signal, headersMs: 9_000, silenceMs: 9_000 });
    body.destroy();
  },
  async 'the link of an LFS server'({ guard, port }) {
    const http = createHttpClient(guard);
    const deadline = createDeadline(10_000);
    onTestFinished(async () => {
      deadline.clear();
      await http.close();
    });
    const { url } = parseRepositoryUrl('https://lfs.example/r.git', 'SOURCE');
    const server = createLfsServer(
      { side: 'source', url, credential: undefined, hostKeys: [], lfsUrl: undefined },
      { http, guard, deadline, redactor: createRedactor([]) },
    );
    const action = { href: new URL(`http://${host}:${port}/object`), header: {}, expiresAt: undefined };
    const { body } = await server.request({ method: 'GET', action, authenticated: true, signal: deadline.signal });
    body.destroy();
  },
};

describe.each(Object.entries(ways))('%s', (_way, connect) => {
  it('goes to the address that was checked, and not to what the name says next', async () => {
    const name = await rebound([['127.0.0.1'], ['127.0.0.2']]);
    expect(await codeOf(connect(name))).toBeUndefined();
    expect(name.lookups()).toBe(1);
    expect(await codeOf(connect(name))).toBe('address_blocked');
    expect(name.connections).toEqual({ '127.0.0.1': 1, '127.0.0.2': 0 });
  });

  it.each<[string, readonly string[]]>([
    ['a refused one first', ['127.0.0.2', '127.0.0.1']],
    ['the allowed one in IPv6 form as well', ['::ffff:127.0.0.2', '127.0.0.1', '::1']],
  ])('goes to the allowed one of several addresses: %s', async (_, answers) => {
    const name = await rebound([answers]);
    expect(await codeOf(connect(name))).toBeUndefined();
    expect(name.connections).toEqual({ '127.0.0.1': 1, '127.0.0.2': 0 });
  });

  it('fails where a name has no address', async () => {
    expect(await codeOf(connect(await rebound([[]])))).toBe('dns_failed');
  });
});

it.each(['127.0.0.2', '127.2', '2130706434', '0x7f000002', '::ffff:127.0.0.2', '[::ffff:7f00:2]'])(
  'A socket for SSH is not connected to %s, for which no name is looked up',
  async (literal) => {
    const { guard, port, connections, lookups } = await rebound([['127.0.0.1']]);
    expect(await codeOf(connectSocket({ host: literal, port }, guard, AbortSignal.timeout(10_000)))).toBe('address_blocked');
    expect([connections['127.0.0.2'], lookups()]).toEqual([0, 0]);
  },
);

/** A guard whose look-ups never answer: nothing comes of the connection, as with a host that drops packets. */
function silentGuard(): { readonly guard: AddressGuard; readonly asked: Promise<void> } {
  let onAsked = (): void => {};
  const asked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  return { guard: createAddressGuard([], () => onAsked()), asked };
}

describe('a connection that does not come about is given up after 15 s', () => {
  it('for SSH', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { guard, asked } = silentGuard();
    const ended = settledCode(connectSocket({ host, port: 9 }, guard, new AbortController().signal));
    await asked;
    await vi.advanceTimersByTimeAsync(14_999);
    expect(ended.code).toBe('none yet');
    await vi.advanceTimersByTimeAsync(1);
    await expect.poll(() => ended.code).toBe('timed_out');
  });

  it('for HTTP', async () => {
    const { guard, asked } = silentGuard();
    const http = createHttpClient(guard);
    onTestFinished(() => http.close());
    const { signal } = new AbortController();
    const url = new URL(`http://${host}:9/`);
    const ended = settledCode(http.request({ method: 'GET', url, headers: {}, signal, headersMs: 0, silenceMs: 0 }));
    await asked;
    // The first tick only starts undici's timer.
    undiciTimers.tick(0);
    undiciTimers.tick(14_000);
    await nextTurn();
    await nextTurn();
    expect(ended.code).toBe('none yet');
    undiciTimers.tick(1_500);
    await expect.poll(() => ended.code).toBe('timed_out');
  });
});

/** undici's clock, which goes on by its own ticks and not by what Node's clock says. */
const undiciTimers = createRequire(import.meta.url)('undici/lib/util/timers.js') as { tick(ms: number): void };

function settledCode(work: Promise<unknown>): { readonly code: string | undefined } {
  const seen: { code: string | undefined } = { code: 'none yet' };
  void codeOf(work).then((code) => {
    seen.code = code;
  });
  return seen;
}
