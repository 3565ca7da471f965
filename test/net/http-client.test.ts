import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { type AddressGuard, createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions, type HttpRequest } from '../../lib/net/http-client.ts';
import { toNetworkError } from '../../lib/net/network-error.ts';
import { codeOf, readAll, settled } from '../support/byte-streams.ts';
import { type FaultServer, startFaultServer, startTcpServer } from '../support/fault-server.ts';
import { certificates, expiredAuthority, testAuthority } from '../support/tls.ts';

const allowed = createAddressGuard(['127.0.0.0/8']);
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function client(guard: AddressGuard = allowed, options: HttpClientOptions = {}): HttpClient {
  const http = createHttpClient(guard, options);
  closing.push(() => http.close());
  return http;
}

function kept<T extends FaultServer>(server: T): T {
  closing.push(server.close);
  return server;
}

function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url: new URL(url), headers: {}, signal: AbortSignal.timeout(60_000), headersMs: 5000, silenceMs: 5000, ...more };
}

/** The body's bytes, with failures as the transport sees them. */
async function answered(http: HttpClient, request: HttpRequest): Promise<Buffer> {
  const { body } = await http.request(request);
  try {
    return await readAll(body);
  } catch (error) {
    throw toNetworkError(error, request.url.host, request.signal);
  }
}

const hello = () => startFaultServer((_, response) => response.end('hello'));

describe('an address that is refused', () => {
  it.each(['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])(
    'is not connected to when it is written as %s',
    async (host) => {
      const server = kept(await hello());
      expect(await codeOf(answered(client(createAddressGuard([])), get(`http://${host}:${server.port}/`)))).toBe('address_blocked');
      expect(server.connections()).toBe(0);
    },
  );

  it('is refused without a lookup when it is a literal', async () => {
    let lookups = 0;
    const counting: AddressGuard = { ...createAddressGuard([]), lookup: () => lookups++ };
    expect(await codeOf(answered(client(counting), get('http://127.0.0.1:9/')))).toBe('address_blocked');
    expect(lookups).toBe(0);
  });

  it('does not follow from a redirect: there are none here', async () => {
    const server = kept(await startFaultServer((_, response) => response.writeHead(302, { location: 'http://127.0.0.2/' }).end()));
    expect(await client().request(get(server.origin))).toMatchObject({ status: 302, headers: { location: 'http://127.0.0.2/' } });
  });
});

describe('a name', () => {
  it('is looked up once, and the address that was checked is the one connected to', async () => {
    const server = kept(await hello());
    const names: string[] = [];
    const counting: AddressGuard = {
      ...allowed,
      lookup: (name, options, callback) => {
        names.push(name);
        allowed.lookup(name, options, callback);
      },
    };
    expect((await answered(client(counting), get(`http://localhost:${server.port}/`))).toString()).toBe('hello');
    expect(names).toEqual(['localhost']);
  });

  it('that does not exist is dns_failed', async () => {
    expect(await codeOf(answered(client(), get('http://no-such-host.invalid/')))).toBe('dns_failed');
  });
});

describe('a server that', () => {
  it('does not listen is connection_failed', async () => {
    const server = await hello();
    await server.close();
    expect(await settled(answered(client(), get(server.origin)))).toMatchObject({
      code: 'connection_failed',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });

  it.each([
    ['resets the connection', (socket: import('node:net').Socket) => socket.resetAndDestroy()],
    ['hangs up', (socket: import('node:net').Socket) => socket.end()],
    ['hangs up within the headers', (socket: import('node:net').Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-')],
    ['hangs up within the body', (socket: import('node:net').Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')],
    [
      'hangs up within a chunk',
      (socket: import('node:net').Socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nhalf'),
    ],
  ])('%s is connection_failed', async (_, misbehave) => {
    const server = kept(await startTcpServer((socket) => socket.once('data', () => misbehave(socket))));
    expect(await codeOf(answered(client(), get(server.origin)))).toBe('connection_failed');
  });

  it.each([
    ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['FTP', '220 ready\r\n'],
    ['nothing known', '\x15\x03\x01\x00\x02\x02\x46'],
  ])('speaks %s and not HTTP is not_a_git_server', async (_, greeting) => {
    const server = kept(await startTcpServer((socket) => socket.once('data', () => socket.end(greeting, 'latin1'))));
    expect(await codeOf(answered(client(), get(server.origin)))).toBe('not_a_git_server');
  });

  it('sends headers without end is protocol_error', async () => {
    const server = kept(
      await startTcpServer((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        socket.once('data', () => socket.write(`x-many: ${'x'.repeat(200_000)}\r\n`));
      }),
    );
    expect(await codeOf(answered(client(), get(server.origin)))).toBe('protocol_error');
  });

  it('never answers is timed_out', async () => {
    const server = kept(await startTcpServer((socket) => socket.resume()));
    expect(await codeOf(answered(client(), get(server.origin, { headersMs: 200 })))).toBe('timed_out');
  });

  it('falls silent within the answer is timed_out', async () => {
    const server = kept(await startFaultServer((_, response) => response.write('half')));
    expect(await codeOf(answered(client(), get(server.origin, { silenceMs: 200 })))).toBe('timed_out');
  });

  it.each([
    ['before the answer', (response: import('node:http').ServerResponse) => response.socket?.resume()],
    ['within the answer', (response: import('node:http').ServerResponse) => response.write('half')],
  ])('takes longer than the run has, %s, ends with the reason of the deadline', async (_, stall) => {
    const deadline = createDeadline(60_000);
    const server = kept(
      await startFaultServer((_request, response) => {
        stall(response);
        setTimeout(() => deadline.abort(new GitferryError('run_interrupted')), 20);
      }),
    );
    expect(await codeOf(answered(client(), get(server.origin, { signal: deadline.signal })))).toBe('run_interrupted');
    deadline.clear();
  });
});

describe('TLS', () => {
  it.each([
    ['signed by itself', certificates.selfSigned, {}],
    ['signed by an unknown authority', certificates.loopback, {}],
    ['for another host', certificates.elsewhere, { authorities: testAuthority }],
    ['long expired', certificates.expired, { authorities: expiredAuthority }],
  ])('with a certificate that is %s is tls_certificate_invalid', async (_, certificate, options) => {
    const server = kept(await startFaultServer((_request, response) => response.end('hello'), certificate));
    expect(await codeOf(answered(client(allowed, options), get(server.origin)))).toBe('tls_certificate_invalid');
    expect(server.requests).toEqual([]);
  });

  it.each(['127.0.0.1', 'localhost'])('with a certificate of a trusted authority works for %s', async (host) => {
    const server = kept(await startFaultServer((_, response) => response.end('hello'), certificates.loopback));
    const http = client(allowed, { authorities: testAuthority });
    expect((await answered(http, get(`https://${host}:${server.port}/`))).toString()).toBe('hello');
  });

  it.each([
    ['a server without TLS', hello],
    ['a server that hangs up', () => startTcpServer((socket) => socket.once('data', () => socket.end()))],
  ])('with %s is connection_failed', async (_, start) => {
    const server = kept(await start());
    expect(await codeOf(answered(client(), get(`https://127.0.0.1:${server.port}/`)))).toBe('connection_failed');
  });
});

describe('a request', () => {
  it('with bytes has a length, with a stream is chunked', async () => {
    const server = kept(await startFaultServer((request, response) => request.pipe(response)));
    const http = client();
    const post = { method: 'POST' } as const;
    expect((await answered(http, get(server.origin, { ...post, body: Buffer.from('abc') }))).toString()).toBe('abc');
    const stream = (async function* () {
      yield Buffer.from('a');
      yield Buffer.from('bc');
    })();
    expect((await answered(http, get(server.origin, { ...post, body: stream }))).toString()).toBe('abc');
    expect(server.requests.map(({ headers }) => [headers['content-length'], headers['transfer-encoding']])).toEqual([
      ['3', undefined],
      [undefined, 'chunked'],
    ]);
  });

  it('whose stream fails ends with that failure', async () => {
    const server = kept(await startFaultServer((request, response) => request.resume().on('end', () => response.end())));
    const stream = (async function* () {
      yield Buffer.from('a');
      throw new GitferryError('pack_truncated');
    })();
    expect(await codeOf(answered(client(), get(server.origin, { method: 'POST', body: stream })))).toBe('pack_truncated');
  });

  it('that is refused while it is still being sent ends with the answer, and its stream is ended', async () => {
    const server = kept(await startFaultServer((_, response) => response.writeHead(403, { connection: 'close' }).end('no')));
    let isEnded = false;
    const endless = (async function* () {
      try {
        for (;;) yield Buffer.alloc(16_384);
      } finally {
        isEnded = true;
      }
    })();
    const response = await client().request(get(server.origin, { method: 'POST', body: endless }));
    expect(response.status).toBe(403);
    response.body.destroy();
    await expect.poll(() => isEnded).toBe(true);
  });

  it('keeps its connection for the next one', async () => {
    const server = kept(await hello());
    const http = client();
    for (let count = 0; count < 3; count++) await answered(http, get(server.origin));
    expect(server.connections()).toBe(1);
  });

  it.each([
    ['after a minute, where the server names no time', '', 60, 1],
    ['not after that', '', 66, 2],
    ['no longer than the server does, where it says so', 'Keep-Alive: timeout=5\r\n', 4, 2],
  ])('keeps it idle: %s', async (_, header, seconds, connections) => {
    const server = kept(
      await startTcpServer((socket) => socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${header}\r\n`))),
    );
    const http = client();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await answered(http, get(server.origin));
    // Only now does undici take the connection for idle.
    for (let turns = 0; turns < 3; turns++) await nextTurn();
    vi.advanceTimersByTime(seconds * 1000);
    await answered(http, get(server.origin));
    expect(server.connections()).toBe(connections);
  });
});

describe('an answer that is read late, when its server has closed already', () => {
  // undici's parser is paused at 64 KB unread. These end in the very piece that pauses it, before it, or after it.
  const sizes = [65_535, 65_536, 65_537, 66_000, 131_072, 300_000];
  const framings: Readonly<Record<string, (body: Buffer) => readonly (string | Buffer)[]>> = {
    'without a length': (body) => ['HTTP/1.1 200 OK\r\n\r\n', body],
    'without a length, over HTTP/1.0': (body) => ['HTTP/1.0 200 OK\r\n\r\n', body],
    'with a length': (body) => [`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`, body],
    'with a length and Connection: close': (body) => [
      `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      body,
    ],
    'in chunks': (body) => [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'],
  };

  it.each(Object.keys(framings))('arrives whole: %s', async (name) => {
    for (const size of sizes) {
      const bytes = Buffer.alloc(size, 'x');
      const parts = framings[name]?.(bytes) ?? [];
      const server = kept(
        await startTcpServer((socket) => {
          socket.once('data', async () => {
            for (const part of parts) {
              socket.write(part);
              await wait(5);
            }
            socket.end();
          });
        }),
      );
      const { body } = await client().request(get(server.origin));
      await wait(50);
      const read = await readAll(body).catch(String);
      expect(read instanceof Buffer ? read.length : read, `${size} bytes`).toBe(size);
    }
  });
});

describe('a host that answers before it has read a request, and keeps the connection', () => {
  /** Answers with the first bytes that come; of its first connection it reads no more. */
  const careless = () => {
    let connections = 0;
    return startTcpServer((socket) => {
      const isFirst = connections++ === 0;
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        if (isFirst) socket.pause();
      });
    });
  };

  it.each([
    ['leaves a request there without an answer', false, 'timed_out'],
    ['is asked on another connection once that one is left', true, 'ok'],
  ])('%s', async (_, isLeft, expected) => {
    const server = kept(await careless());
    const http = client();
    const first = get(server.origin, { method: 'POST', body: new Uint8Array(100_000) });
    expect((await answered(http, first)).toString()).toBe('ok');
    if (isLeft) http.leaveConnections(new URL(server.origin));
    const second = answered(http, get(server.origin, { headersMs: isLeft ? 5000 : 1000 }));
    expect(await second.then(String, ({ code }: GitferryError) => code)).toBe(expected);
  });

  it('keeps the requests that are under way there', async () => {
    let finish = (): void => {};
    const server = kept(
      await startFaultServer((request, response) => {
        if (request.url === '/quick') return void response.end('quick');
        response.write('slow ');
        finish = () => response.end('but whole');
      }),
    );
    const http = client();
    const { body } = await http.request(get(`${server.origin}/slow`));
    http.leaveConnections(new URL(server.origin));
    expect((await answered(http, get(`${server.origin}/quick`))).toString()).toBe('quick');
    http.leaveConnections(new URL(server.origin));
    expect((await answered(http, get(`${server.origin}/quick`))).toString()).toBe('quick');
    finish();
    expect((await readAll(body)).toString()).toBe('slow but whole');
    expect(server.connections()).toBe(3);
  });
});
