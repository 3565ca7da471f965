/** Smart HTTP: which redirects are followed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../../lib/core/deadline.ts';
import { UploadPack } from '../../../../lib/git/client/upload-pack.ts';
import { createHttpTransport } from '../../../../lib/git/transport/http/http.ts';
import { parseRepositoryUrl } from '../../../../lib/git/transport/repository-url.ts';
import { createAddressGuard } from '../../../../lib/net/address-guard.ts';
import { createHttpClient } from '../../../../lib/net/http-client.ts';
import { codeOf } from '../../../support/byte-streams.ts';
import { startFaultServer, startTcpServer } from '../../../support/fault-server.ts';
import { git, temporaryFolder } from '../../../support/git.ts';
import { startGitHttpServer } from '../../../support/git-http-server.ts';
import { discovered, forThisTest, transportTo } from '../../../support/http-transport.ts';
import { certificates, testAuthority } from '../../../support/tls.ts';

const discovery = 'info/refs?service=git-upload-pack';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  await git(folder.path, ['init', '--quiet', '--bare', join(folder.path, 'new.git')]);
});
afterAll(() => folder.remove());

/** Redirects everything to what `location` says, with a body that nobody reads. */
function redirecting(location: (request: IncomingMessage) => string, status = 302) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { location: location(request) });
    response.write('x'.repeat(1000));
  };
}

/** A server with a real repository that redirects old addresses to it. */
async function movedServer(status = 301) {
  const server = await forThisTest(
    startGitHttpServer({
      root: folder.path,
      intercept({ request, response }) {
        const match = /^\/old\.git\/(.*)$/.exec(request.url ?? '');
        if (match === null) return false;
        response.writeHead(status, { location: `/new.git/${match[1]}` }).end('moved');
        return true;
      },
    }),
  );
  return server;
}

describe('a redirect within the host', () => {
  it.each([301, 302, 303, 307, 308])('with %i is followed, and the new address used from then on', async (status) => {
    const server = await movedServer(status);
    const source = await UploadPack.open(transportTo(server.url('old.git')));
    await source.listRefs(['refs/']);
    expect(server.log.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /old.git/${discovery}`,
      `GET /new.git/${discovery}`,
      'POST /new.git/git-upload-pack',
    ]);
  });

  it('keeps the credentials', async () => {
    const basic = { username: 'me', password: 'secret' };
    const server = await forThisTest(
      startGitHttpServer({
        root: folder.path,
        basic,
        intercept({ request, response }) {
          if (!request.url?.startsWith('/old')) return false;
          response.writeHead(302, { location: `/new.git/${discovery}` }).end();
          return true;
        },
      }),
    );
    expect(await codeOf(discovered(transportTo(server.url('old.git', 'me:secret'))))).toBeUndefined();
  });

  it('is followed also where the new address answers with a careless content type', async () => {
    const server = await forThisTest(
      startFaultServer((request, response) => {
        if (request.url?.startsWith('/old')) response.writeHead(302, { location: `/new/${discovery}` }).end();
        else if (request.method === 'GET') response.end('000eversion 2\n0013ls-refs=unborn\n0000');
        else response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).end('0000');
      }),
    );
    const source = await UploadPack.open(transportTo(`${server.origin}/old`));
    await source.listRefs(['refs/']);
    expect(server.requests.at(-1)).toMatchObject({ method: 'POST', url: '/new/git-upload-pack' });
  });

  it('may lead from http to https on the same port', async () => {
    const secure = await forThisTest(startGitHttpServer({ root: folder.path, tls: certificates.loopback }));
    const plain = await forThisTest(startFaultServer(redirecting(({ url }) => `${both.origin.replace('http:', 'https:')}${url}`)));
    // One port for both, as some servers have it: the first byte of TLS is no letter.
    const both = await forThisTest(
      startTcpServer((socket) => {
        socket.once('data', (first: Buffer) => {
          const to = connect(first[0] === 0x16 ? secure.port : plain.port, '127.0.0.1');
          for (const end of [socket, to]) end.on('error', () => {});
          to.write(first);
          socket.pipe(to).pipe(socket);
        });
      }),
    );
    const transport = transportTo(`${both.origin}/new.git`, { authorities: testAuthority });
    expect(await discovered(transport)).toContain('version 2');
    expect(plain.requests.length).toBe(1);
    await discovered(transport);
    expect(plain.requests.length).toBe(1);
  });
});

describe('a redirect is refused, and its target never asked', () => {
  it.each<[string, (origin: string, port: number) => string]>([
    ['to another host', (_, port) => `http://localhost:${port}/new.git/${discovery}`],
    ['to another port', () => `http://127.0.0.1:1/new.git/${discovery}`],
    ['to a web page', (origin) => `${origin}/login`],
    ['to another service', (origin) => `${origin}/new.git/info/refs?service=git-receive-pack`],
    ['without the question', (origin) => `${origin}/new.git/info/refs`],
    ['to another scheme', () => 'ftp://127.0.0.1/new.git'],
    ['to a file', () => 'file:///etc/passwd'],
    ['to an address that cannot be read', () => 'http://['],
    ['to an address that cannot be read, of this host', () => '//'],
  ])('%s', async (_, location) => {
    const server = await forThisTest(
      startFaultServer(redirecting((request) => location(`http://${request.headers.host}`, Number(request.socket.localPort)))),
    );
    expect(await codeOf(discovered(transportTo(`${server.origin}/old.git`)))).toBe('redirect_refused');
    expect(server.requests).toHaveLength(1);
  });

  it('from https to http', async () => {
    const plain = await forThisTest(startFaultServer((_, response) => response.end()));
    const secure = await forThisTest(
      startFaultServer(
        redirecting((request) => `${plain.origin}${request.url}`),
        certificates.loopback,
      ),
    );
    const url = `https://me:secret@127.0.0.1:${secure.port}/old.git`;
    expect(await codeOf(discovered(transportTo(url, { authorities: testAuthority })))).toBe('redirect_refused');
    expect(plain.connections()).toBe(0);
  });

  it('from https to http on the same port', async () => {
    const secure = await forThisTest(
      startFaultServer(
        redirecting((request) => `http://${request.headers.host}${request.url}`),
        certificates.loopback,
      ),
    );
    const url = `https://me:secret@127.0.0.1:${secure.port}/old.git`;
    expect(await codeOf(discovered(transportTo(url, { authorities: testAuthority })))).toBe('redirect_refused');
    expect(secure.requests).toHaveLength(1);
  });

  it('in a loop, after a few times', async () => {
    const server = await forThisTest(startFaultServer(redirecting((request) => request.url ?? '')));
    expect(await codeOf(discovered(transportTo(`${server.origin}/r`)))).toBe('redirect_refused');
    expect(server.requests).toHaveLength(6);
  });

  it.each(['127.0.0.2', '127.1.1', '2130706434', '0x7f000002', '[::1]', '[::ffff:127.0.0.2]', '169.254.169.254', '10.0.0.1'])(
    'to the refused address %s',
    async (host) => {
      const server = await forThisTest(startFaultServer(redirecting(() => `http://${host}/r/${discovery}`)));
      const transport = transportTo(`http://me:secret@127.0.0.1:${server.port}/r`, { allow: ['127.0.0.1'] });
      expect(await codeOf(discovered(transport))).toBe('address_blocked');
    },
  );

  it('to a name at another address, and no credentials go there', async () => {
    const other = await forThisTest(startFaultServer((_, response) => response.end()));
    const server = await forThisTest(startFaultServer(redirecting(() => `http://localhost:${other.port}/r/${discovery}`)));
    expect(await codeOf(discovered(transportTo(`http://me:secret@127.0.0.1:${server.port}/r`)))).toBe('redirect_refused');
    expect(other.connections()).toBe(0);
  });

  it('of anything but discovery', async () => {
    const server = await forThisTest(
      startGitHttpServer({
        root: folder.path,
        intercept({ response, isRpc }) {
          if (isRpc) response.writeHead(307, { location: '/elsewhere' }).end();
          return isRpc;
        },
      }),
    );
    const source = await UploadPack.open(transportTo(server.url('new.git')));
    expect(await codeOf(source.listRefs(['refs/']))).toBe('redirect_refused');
    expect(server.log).toHaveLength(2);
  });
});

describe('a redirect from http to https', () => {
  /** The TLS server stands on another port than the plain one: only the scheme's own ports, or one port for both, are the same host. */
  it('to another port is refused before anything is sent there', async () => {
    const asked: string[] = [];
    const secure = await forThisTest(
      startFaultServer((request, response) => {
        asked.push(request.headers.authorization ?? '');
        response.writeHead(404).end();
      }, certificates.loopback),
    );
    const plain = await forThisTest(startFaultServer(redirecting(({ url }) => `${secure.origin}${url}`)));
    const transport = transportTo(`${plain.origin.replace('://', '://me:secret-77@')}/r.git`, { authorities: testAuthority });
    expect(await codeOf(discovered(transport))).toBe('redirect_refused');
    expect(asked).toEqual([]);
  });
});

describe('a redirect out of the places where a credential may be used', () => {
  it('is refused before anything is sent there', async () => {
    const server = await movedServer();
    const { url } = parseRepositoryUrl(server.url('old.git'), 'url');
    const guard = createAddressGuard(['127.0.0.0/8']);
    const http = createHttpClient(guard);
    const deadline = createDeadline(20_000);
    onTestFinished(async () => {
      deadline.clear();
      await http.close();
    });
    const to = (path: string, credential: boolean) => {
      const allowedUrls = [new URL(path, url.href).href];
      const value = credential ? { username: 'me', password: 'secret-77' } : undefined;
      return discovered(createHttpTransport(url, value, { http, guard, deadline, allowedUrls }));
    };
    expect(await codeOf(to('/old.git/', true))).toBe('credential_not_allowed');
    expect(server.log.map(({ url: asked }) => asked)).toEqual([`/old.git/${discovery}`]);
    expect(await codeOf(to('/old.git/', false))).toBeUndefined();
    expect(await codeOf(to('/', true))).toBeUndefined();
  });
});
