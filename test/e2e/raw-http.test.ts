import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/git.ts';
import { type RunningService, startService } from '../support/service.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let hook: { readonly url: string; readonly secret: string };
const event = JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: 'http://127.0.0.1:1/a/b.git' } });

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startService({ folder: folder.path });
  const project = await service.api('POST', '/projects', { path: 'a/b', repository_url: 'http://127.0.0.1:1/a/b.git' });
  hook = (await service.api('POST', `/projects/${project.body.id}/incoming_hooks`, { provider: 'github' })).body;
});
afterAll(async () => {
  await service.end('SIGKILL');
  await folder.remove();
});

/** Statuses of all answers to these bytes, until the server hangs up or is silent. */
function statuses(bytes: string): Promise<number[]> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(service.origin).port), '127.0.0.1');
    let text = '';
    const end = (): void => {
      socket.destroy();
      resolve([...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)));
    };
    socket.setTimeout(700, end);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', end);
    socket.on('close', end);
    socket.write(bytes, 'latin1');
  });
}

const signed = (body: string): string => `x-hub-signature-256: sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`;
const post = (headers: readonly string[], body: string, path = new URL(hook.url).pathname): string =>
  [`POST ${path} HTTP/1.1`, 'host: localhost', 'x-github-event: push', ...headers, '', body].join('\r\n');
const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

describe('requests that two servers could read in two ways', () => {
  it('are taken where there is only one way', async () => {
    expect(await statuses(post([`content-length: ${event.length}`, signed(event)], event))).toEqual([202]);
    expect(await statuses(post(['transfer-encoding: chunked', signed(event)], chunked(event)))).toEqual([202]);
  });

  it.each<[string, (smuggled: string) => string]>([
    ['a length and chunks', (more) => post(['content-length: 5', 'transfer-encoding: chunked', signed(event)], chunked(event) + more)],
    [
      'chunks and a length',
      (more) => post(['transfer-encoding: chunked', `content-length: ${event.length}`, signed(event)], chunked(event) + more),
    ],
    ['two lengths', (more) => post([`content-length: ${event.length}`, 'content-length: 3', signed(event)], event + more)],
    ['a length that is a list', (more) => post([`content-length: ${event.length}, 3`, signed(event)], event + more)],
    ['a length with a sign', (more) => post([`content-length: +${event.length}`, signed(event)], event + more)],
    ['an unknown transfer encoding', (more) => post(['transfer-encoding: xchunked', signed(event)], chunked(event) + more)],
    [
      'chunks that are not the last encoding',
      (more) => post(['transfer-encoding: chunked, identity', signed(event)], chunked(event) + more),
    ],
    [
      'a space before the colon',
      (more) => post(['transfer-encoding : chunked', 'content-length: 0', signed(event)], chunked(event) + more),
    ],
    [
      'a header folded over two lines',
      (more) => post(['transfer-encoding:\r\n chunked', 'content-length: 3', signed(event)], chunked(event) + more),
    ],
    ['a chunk length that is no number', (more) => post(['transfer-encoding: chunked', signed(event)], `0x5\r\nhello\r\n0\r\n\r\n${more}`)],
    ['a body that is longer than stated', (more) => post([`content-length: ${event.length - 4}`, signed(event)], event + more)],
    [
      'a line feed alone between headers',
      (more) => post([`content-length: 0\ntransfer-encoding: chunked`, signed(event)], chunked(event) + more),
    ],
  ])('are refused with %s, and what follows on the connection is never a request', async (_, request) => {
    const smuggled = 'DELETE /api/v4/projects/1 HTTP/1.1\r\nhost: h\r\nprivate-token: test-admin-token\r\n\r\n';
    const answers = await statuses(request(smuggled));
    expect(answers.filter((status) => status < 400)).toEqual([]);
    expect((await service.api('GET', '/projects/1')).status).toBe(200);
  });

  it.each<[string, () => string, readonly number[]]>([
    ['a body that never comes to its end', () => post([`content-length: ${event.length + 4}`, signed(event)], event), []],
    [
      'two signatures, one of them right',
      () => post([`content-length: ${event.length}`, signed(event), `x-hub-signature-256: sha256=${'0'.repeat(64)}`], event),
      [401],
    ],
    [
      'a compressed body that was signed before',
      () => post([`content-length: ${event.length}`, 'content-encoding: gzip', signed(`${event} `)], event),
      [401],
    ],
    ['a NUL in a header', () => post([`content-length: ${event.length}`, `x-a: \0`, signed(event)], event), [400]],
    ['a line break in the token', () => post([`content-length: ${event.length}`, signed(event)], event, '/hooks/1.a%0d%0ax-y:z'), [401]],
    ['a path that climbs out', () => post([`content-length: ${event.length}`, signed(event)], event, '/hooks/../api/v4/projects'), [401]],
    ['a host of another', () => 'GET http://169.254.169.254/latest HTTP/1.1\r\nhost: 169.254.169.254\r\n\r\n', [421]],
  ])('are judged by what they say: %s', async (_, request, expected) => {
    expect(await statuses(request())).toEqual(expected);
  });

  it('with bodies of nothing but brackets are refused before they are parsed', async () => {
    const deep = '['.repeat(1_000_000);
    expect(await statuses(post([`content-length: ${deep.length}`, signed(deep)], deep))).toEqual([413]);
    const nested = `{"path":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    const call = [
      'POST /api/v4/projects HTTP/1.1',
      'host: localhost',
      'private-token: test-admin-token',
      'content-type: application/json',
      `content-length: ${nested.length}`,
      '',
      nested,
    ].join('\r\n');
    expect(await statuses(call)).toEqual([413]);
    expect((await service.api('GET', '/version')).status).toBe(200);
  });
});
