import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createRedactor, type LearningRedactor } from '../../lib/core/redact.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import type { Action } from '../../lib/lfs/batch-message.ts';
import type { SshAuthorization } from '../../lib/lfs/lfs-endpoint.ts';
import { LfsServer, type LfsServerOptions } from '../../lib/lfs/lfs-server.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { certificates, testAuthority } from '../support/tls.ts';

const object = { oid: 'a'.repeat(64), size: 3 };
const question = { operation: 'download', objects: [object], ref: undefined } as const;
const credential = { username: 'ada', password: 'hunter22' };
const ours = `Basic ${Buffer.from('ada:hunter22').toString('base64')}`;

interface Seen {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

interface Host {
  readonly origin: string;
  readonly seen: Seen[];
}

/** An HTTP server that answers as it is told, and remembers what it was asked. */
async function host(answer: (request: IncomingMessage, response: ServerResponse) => void, isTls = false): Promise<Host> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push({ path: request.url ?? '', authorization: request.headers.authorization, headers: request.headers });
    text(request).then(() => answer(request, response));
  };
  const server = isTls ? createTlsServer(certificates.loopback, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `${isTls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function answered(response: ServerResponse): void {
  const objects = [{ ...object, actions: { download: { href: 'https://example.org/a' } } }];
  response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify({ objects }));
}

function serverAt(url: string, options: Partial<LfsServerOptions> = {}, redactor: LearningRedactor = createRedactor([])): LfsServer {
  const http = createHttpClient(createAddressGuard(['127.0.0.0/8']), { authorities: testAuthority });
  const deadline = createDeadline(20_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
  });
  const repository = parseRepositoryUrl(url, 'url').url;
  return new LfsServer(
    { side: 'source', url: repository, credential: undefined, lfsUrl: undefined, ...options },
    { http, deadline, redactor },
  );
}

const linkTo = (href: string, header: Action['header'] = {}): Action => ({ href: new URL(href), header, expiresAt: undefined });

function get(server: LfsServer, action: Action, authenticated = false) {
  return server.request({ method: 'GET', action, authenticated, signal: new AbortController().signal });
}

describe('A batch request', () => {
  it.each([
    ['app', '/app.git/info/lfs/objects/batch'],
    ['app.git', '/app.git/info/lfs/objects/batch'],
  ])('for %s goes to the usual place, with our credential, over TLS', async (repository, path) => {
    const { origin, seen } = await host((_, response) => answered(response), true);
    const answers = await serverAt(`${origin}/${repository}`, { credential }).batch(question);
    expect(answers).toMatchObject([{ kind: 'actions', oid: object.oid }]);
    expect(seen).toMatchObject([{ path, authorization: ours }]);
  });

  it('is refused by a certificate for another host, before anything is sent', async () => {
    const seen: string[] = [];
    const server = createTlsServer(certificates.elsewhere, ({ url }) => seen.push(url ?? ''));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const asked = serverAt(`https://127.0.0.1:${port}/app`, { credential }).batch(question);
    await expect(asked).rejects.toMatchObject({ code: 'tls_certificate_invalid' });
    expect(seen).toEqual([]);
  });

  it('follows a redirect on its host, credentials and all, and asks there right away from then on', async () => {
    const { origin, seen } = await host(({ url }, response) => {
      if (url?.startsWith('/new/') === true) answered(response);
      else response.writeHead(307, { location: '/new/objects/batch' }).end();
    });
    const server = serverAt(`${origin}/app`, { credential });
    await server.batch(question);
    await server.batch(question);
    expect(seen.map(({ path, authorization }) => [path, authorization])).toEqual([
      ['/app.git/info/lfs/objects/batch', ours],
      ['/new/objects/batch', ours],
      ['/new/objects/batch', ours],
    ]);
  });

  it.each(['/new/objects/batch?once=1', '/new/batch'])(
    'asks at the usual place again after a redirect to %s, which names no place of its own',
    async (location) => {
      const { origin, seen } = await host(({ url }, response) => {
        if (url?.startsWith('/new/') === true) answered(response);
        else response.writeHead(307, { location }).end();
      });
      const server = serverAt(`${origin}/app`);
      for (const _ of [1, 2]) expect(await server.batch(question)).toHaveLength(1);
      const usual = '/app.git/info/lfs/objects/batch';
      expect(seen.map(({ path }) => path)).toEqual([usual, location, usual, location]);
    },
  );

  it.each<[string, (elsewhere: string) => string]>([
    ['another host', (elsewhere) => `${elsewhere}/objects/batch`],
    ['itself, for ever', () => '/app.git/info/lfs/objects/batch'],
    ['no address', () => 'http://[/'],
    ['another scheme', () => 'ftp://127.0.0.1/'],
  ])('does not follow a redirect to %s', async (_, to) => {
    const elsewhere = await host((_request, response) => answered(response));
    const { origin, seen } = await host((_request, response) => response.writeHead(302, { location: to(elsewhere.origin) }).end());
    await expect(serverAt(`${origin}/app`, { credential }).batch(question)).rejects.toMatchObject({ code: 'redirect_refused' });
    expect(elsewhere.seen).toEqual([]);
    expect(seen.length).toBeLessThan(10);
  });

  it('to an LFS server elsewhere goes without our credential', async () => {
    const lfs = await host((_, response) => answered(response));
    const lfsUrl = parseRepositoryUrl(`${lfs.origin}/lfs/`, 'lfs_url').url;
    const server = serverAt('https://example.org/app', { credential, lfsUrl });
    await server.batch(question);
    expect(lfs.seen).toMatchObject([{ path: '/lfs/objects/batch', authorization: undefined }]);
    // And is spoken of by that name, in words that may be shown.
    const { detail } = server.objectError({ status: 422, words: 'no\u001b[31m' });
    expect(detail).toContain(lfsUrl.host);
    expect(detail).not.toContain('example.org');
    expect(detail).not.toContain('\u001b');
  });

  it.each([
    ['below its folder', '/acme/', '/acme/app', ours],
    ['beside its folder', '/acme/', '/acme-2/app', undefined],
    ['on another port', ':1/', '/acme/app', undefined],
  ])('to a place %s carries a shared credential only if its owner said so', async (_, allowed, path, expected) => {
    const { origin, seen } = await host((_request, response) => answered(response));
    const place = allowed.startsWith(':') ? `http://127.0.0.1${allowed}` : `${origin}${allowed}`;
    const server = serverAt(`${origin}${path}`, { credential, allowedUrls: [place] });
    await server.batch(question);
    await get(server, linkTo(`${origin}${path}.git/a`));
    // On the same host, elsewhere.
    await get(server, linkTo(`${origin}/other/a`));
    expect(seen.map(({ authorization }) => authorization)).toEqual([expected, expected, undefined]);
  });

  it('that breaks off is made again', async () => {
    const { origin, seen } = await host((request, response) => (seen.length === 1 ? request.socket.destroy() : answered(response)));
    expect(await serverAt(`${origin}/app`).batch(question)).toHaveLength(1);
    expect(seen).toHaveLength(2);
  });

  const basic = (user: string): string => `Basic ${Buffer.from(user).toString('base64')}`;
  it.each<[string, typeof credential, string, string]>([
    ['the password', credential, ours, 'Bearer hunter22'],
    ['a password without a user', { username: '', password: 'hunter22' }, basic('git:hunter22'), 'Bearer hunter22'],
    ['a user name that is a token', { username: 'hunter22', password: '' }, basic('hunter22:'), 'Bearer hunter22'],
  ])('is repeated with %s as a token where the host wants one', async (_, given, first, second) => {
    const { origin, seen } = await host(({ headers }, response) => {
      if (headers.authorization === second) answered(response);
      else response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end();
    });
    await serverAt(`${origin}/app`, { credential: given }).batch(question);
    expect(seen.map(({ authorization }) => authorization)).toEqual([first, second]);
  });

  it('that is refused says so once, in the words of the host, without the credential', async () => {
    const { origin, seen } = await host(({ headers }, response) =>
      response
        .writeHead(401, { 'www-authenticate': 'Bearer realm="x", Basic realm="x"', 'content-type': 'application/json' })
        .end(JSON.stringify({ message: `not you\u001b[31m, ${'x'.repeat(1000)}`, was: headers.authorization })),
    );
    const error = await serverAt(`${origin}/app`, { credential })
      .batch(question)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'lfs_access_denied', detail: expect.stringContaining('answered 401: not you') });
    expect(String(error)).not.toContain('\u001b');
    expect(String(error).length).toBeLessThan(1000);
    expect(seen).toHaveLength(1);
  });

  it.each<[string, number, Record<string, string>, string, string]>([
    ['a web page', 200, { 'content-type': 'text/html' }, '<html>', 'lfs_disabled'],
    ['JSON of another kind', 200, { 'content-type': 'application/json' }, '{"hello":1}', 'lfs_protocol_error'],
    ['not found', 404, {}, '', 'lfs_disabled'],
    ['a quota', 507, {}, '', 'lfs_quota_exceeded'],
    ['an error that stays', 503, { 'retry-after': '0' }, '', 'server_error'],
    ['that it took too long', 408, { 'retry-after': '0' }, '', 'timed_out'],
    ['a pause that is too long', 429, { 'retry-after': '999' }, '', 'rate_limited'],
    ['a pause that is longer than the run', 429, { 'retry-after': '21' }, '', 'rate_limited'],
    ['that one object is too much', 413, {}, '', 'request_too_large'],
  ])('answered by %s fails with its code', async (_, status, headers, body, code) => {
    const { origin, seen } = await host((_request, response) => response.writeHead(status, headers).end(body));
    await expect(serverAt(`${origin}/app`).batch(question)).rejects.toMatchObject({ code });
    expect(seen).toHaveLength(code === 'server_error' || code === 'timed_out' ? 3 : 1);
  });
});

describe('Over SSH, a batch request', () => {
  const overSsh = (answer: (operation: string) => SshAuthorization | undefined, asked: string[] = []) =>
    serverAt('ssh://git@10.9.9.9/app', {
      credential,
      authenticate: async (operation) => {
        asked.push(operation);
        return answer(operation);
      },
    });
  const token = { authorization: 'RemoteAuth once' };

  it('goes where SSH says, with what SSH gave and never our password; each operation asks SSH once', async () => {
    const { origin, seen } = await host((_, response) => answered(response));
    const asked: string[] = [];
    const server = overSsh((operation) => ({ href: new URL(`${origin}/${operation}/`), header: token, expiresAt: undefined }), asked);
    for (const operation of ['download', 'upload', 'download'] as const) await server.batch({ ...question, operation });
    expect(asked).toEqual(['download', 'upload']);
    expect(seen.map(({ path }) => path)).toEqual(['download', 'upload', 'download'].map((operation) => `/${operation}/objects/batch`));
    expect(seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill('RemoteAuth once'));
  });

  it('asks no SSH where the LFS server was named', async () => {
    const { origin, seen } = await host((_, response) => answered(response));
    const asked: string[] = [];
    const lfsUrl = parseRepositoryUrl(`${origin}/lfs`, 'lfs_url').url;
    const authenticate = async (operation: string): Promise<undefined> => void asked.push(operation);
    await serverAt('ssh://git@10.9.9.9/app', { credential, lfsUrl, authenticate }).batch(question);
    expect([asked, seen.map(({ path, authorization }) => [path, authorization])]).toEqual([[], [['/lfs/objects/batch', undefined]]]);
  });

  it('asks SSH again when what it gave is about to expire', async () => {
    const { origin } = await host((_, response) => answered(response));
    const asked: string[] = [];
    const server = overSsh(() => ({ href: new URL(origin), header: token, expiresAt: Date.now() + 1_000 }), asked);
    await server.batch(question);
    await server.batch(question);
    expect(asked).toHaveLength(2);
  });

  it('keeps what SSH gave across redirects, for later requests as well', async () => {
    const { origin, seen } = await host(({ url }, response) => {
      if (url?.startsWith('/moved') === true) answered(response);
      else response.writeHead(301, { location: '/moved/objects/batch' }).end();
    });
    const server = overSsh(() => ({ href: new URL(`${origin}/lfs`), header: token, expiresAt: undefined }));
    await server.batch(question);
    await server.batch(question);
    expect(seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill('RemoteAuth once'));
  });

  it('does not go to an address that is refused, although SSH says so', async () => {
    const server = overSsh(() => ({ href: new URL('http://10.1.2.3/lfs'), header: token, expiresAt: undefined }));
    await expect(server.batch(question)).rejects.toMatchObject({ code: 'address_blocked' });
  });

  it('fails as SSH fails, and asks anew the next time', async () => {
    const { origin } = await host((_, response) => answered(response));
    let isDown = true;
    const server = overSsh(() => {
      if (isDown) throw new Error('no way in');
      return { href: new URL(origin), header: token, expiresAt: undefined };
    });
    await expect(server.batch(question)).rejects.toThrow('no way in');
    isDown = false;
    await expect(server.batch(question)).resolves.toHaveLength(1);
  });
});

describe('A link', () => {
  it.each<[string, Record<string, string>, boolean, string | undefined]>([
    ['on our own host that brings nothing gets our credential', {}, false, ours],
    ['that brings its own gets that', { authorization: 'Bearer link' }, false, 'Bearer link'],
    ['that needs none gets none', {}, true, undefined],
  ])('%s', async (_, header, authenticated, expected) => {
    const { origin, seen } = await host((_request, response) => response.end('abc'));
    const response = await get(serverAt(`${origin}/app`, { credential }), linkTo(`${origin}/a`, header), authenticated);
    expect(await text(response.body)).toBe('abc');
    expect(seen).toMatchObject([{ authorization: expected }]);
  });

  it('may redirect a download to another host, which gets nothing of what was meant for the first', async () => {
    const other = await host((_, response) => response.end('abc'));
    const { origin, seen } = await host((_, response) => response.writeHead(302, { location: `${other.origin}/a` }).end());
    const response = await get(serverAt(`${origin}/app`, { credential }), linkTo(`${origin}/a`, { 'x-signature': 'once' }));
    expect(await text(response.body)).toBe('abc');
    expect(seen[0]?.headers).toMatchObject({ 'x-signature': 'once', authorization: ours });
    expect(other.seen[0]?.headers).not.toHaveProperty('x-signature');
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization');
  });

  it('may not redirect to an address that is refused, nor from https to http', async () => {
    const plain = await host((_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end());
    await expect(get(serverAt(`${plain.origin}/app`), linkTo(`${plain.origin}/a`))).rejects.toMatchObject({ code: 'address_blocked' });
    const safe = await host((_, response) => response.writeHead(302, { location: plain.origin }).end(), true);
    await expect(get(serverAt(`${safe.origin}/app`), linkTo(`${safe.origin}/a`))).rejects.toMatchObject({ code: 'redirect_refused' });
    expect(plain.seen).toHaveLength(1);
  });

  it.each(['PUT', 'POST'] as const)('that redirects what is sent there (%s) is not followed', async (method) => {
    const other = await host((_, response) => response.end());
    const { origin } = await host((_, response) => response.writeHead(307, { location: `${other.origin}/a` }).end());
    const server = serverAt(`${origin}/app`, { credential });
    const signal = new AbortController().signal;
    const response = await server.request({
      method,
      action: linkTo(`${origin}/a`),
      authenticated: false,
      body: Buffer.from('abc'),
      signal,
    });
    expect(await server.errorFor(response, 'transfer')).toMatchObject({ code: 'redirect_refused' });
    expect(other.seen).toEqual([]);
  });

  it('is not named in what is said about it: its signature is a credential', async () => {
    const { origin } = await host((_, response) => response.writeHead(500).end());
    const server = serverAt(`${origin}/app`);
    const error = await server.errorFor(await get(server, linkTo(`${origin}/a?signature=very-secret`)), 'transfer');
    expect(error).toMatchObject({ code: 'server_error' });
    expect(String(error)).not.toContain('very-secret');
  });
});

describe('What an LFS server gives out is masked from then on', () => {
  const issued = 'issued-for-an-hour';

  it.each([
    ['a header of a download', { download: { href: 'https://example.org/a', header: { 'x-object-key': issued } } }],
    ['a scheme and its token', { upload: { href: 'https://example.org/a', header: { authorization: `RemoteAuth ${issued}` } } }],
    ['HTTP Basic', { verify: { href: 'https://example.org/a', header: { authorization: `Basic ${btoa(`me:${issued}`)}` } } }],
    ['what signs a link', { download: { href: `https://example.org/a?v=1&grant=${issued}` } }],
  ])('%s', async (_, actions) => {
    const { origin } = await host((_request, response) => {
      const objects = [{ ...object, actions }];
      response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify({ objects }));
    });
    const redactor = createRedactor([]);
    const operation = 'download' in actions ? 'download' : 'upload';
    expect(redactor.redact(`said ${issued}`)).toBe(`said ${issued}`);
    await serverAt(`${origin}/app`, {}, redactor).batch({ ...question, operation });
    expect(redactor.redact(`said ${issued}`)).toBe('said *****');
  });

  it('what signs the place that a download is redirected to', async () => {
    const other = await host((_, response) => response.end('abc'));
    const { origin } = await host((_, response) => response.writeHead(302, { location: `${other.origin}/a?grant=${issued}` }).end());
    const redactor = createRedactor([]);
    await get(serverAt(`${origin}/app`, {}, redactor), linkTo(`${origin}/a`));
    expect(redactor.redact(`said ${issued}`)).toBe('said *****');
  });

  it('what SSH gave to sign in with, also if the server then refuses it in these words', async () => {
    const { origin } = await host((_, response) => response.writeHead(403, { 'content-type': 'text/plain' }).end(`no ${issued} here`));
    const authenticate = async () => ({ href: new URL(origin), header: { authorization: `RemoteAuth ${issued}` }, expiresAt: undefined });
    const refusal = await serverAt('ssh://git@10.9.9.9/app', { authenticate }).batch(question).catch(String);
    expect(refusal).toContain('no ***** here');
  });
});
