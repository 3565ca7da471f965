/** Smart HTTP: what servers answer, right and wrong. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDeadline } from '../../../../lib/core/deadline.ts';
import { GitferryError } from '../../../../lib/core/errors.ts';
import { limits } from '../../../../lib/core/limits.ts';
import { readAdvertisement, UploadPack } from '../../../../lib/git/client/upload-pack.ts';
import { encodePkt, flushPkt } from '../../../../lib/git/wire/pkt-line.ts';
import { parseRetryAfter } from '../../../../lib/net/retry-after.ts';
import { codeOf, readAll, settled } from '../../../support/byte-streams.ts';
import { startFaultServer } from '../../../support/fault-server.ts';
import { discovered, forThisTest, transportTo } from '../../../support/http-transport.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const advertised = { 'content-type': 'application/x-git-upload-pack-advertisement' };
const resulted = { 'content-type': 'application/x-git-upload-pack-result' };
const id = 'a'.repeat(40);
const v2 = Buffer.concat([encodePkt('version 2\n'), encodePkt('ls-refs=unborn\n'), encodePkt('fetch=shallow\n'), flushPkt]);

function answering(answer: Answer) {
  return forThisTest(startFaultServer(answer));
}

/** The advertisement, or how reading it ended. */
async function opened(answer: Answer) {
  const server = await answering(answer);
  return settled(UploadPack.open(transportTo(`${server.origin}/r`)));
}

describe('a status', () => {
  it.each([
    [204, 'request_refused'],
    [304, 'redirect_refused'],
    [400, 'request_refused'],
    [401, 'credentials_missing'],
    [402, 'request_refused'],
    [403, 'permission_denied'],
    [404, 'repository_not_found'],
    [408, 'timed_out'],
    [410, 'repository_not_found'],
    [411, 'chunking_refused'],
    [413, 'request_too_large'],
    [429, 'rate_limited'],
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'server_error'],
    [599, 'server_error'],
  ])('of %i is %s', async (status, code) =>
    expect(await opened((_, response) => response.writeHead(status).end())).toMatchObject({ code }),
  );

  it('comes with the words of the host if they are plain text, not with a web page', async () => {
    const type = (value: string) => ({ 'content-type': value });
    const plain = await opened((_, response) =>
      response.writeHead(403, type('text/plain; charset=utf-8')).end('No \x1b[31mway\x07\r\n\r\nhere'),
    );
    expect(plain).toMatchObject({ message: expect.stringContaining('No way⟨U+0007⟩ here') });
    const page = await opened((_, response) => response.writeHead(403, type('text/html')).end('<h1>No way</h1>'));
    expect('message' in page && page.message).not.toContain('No way');
  });

  it.each([
    ['120', 120],
    ['0', 0],
    ['Sun, 06 Nov 1994 08:49:47 GMT', 10],
    ['Sun, 06 Nov 1994 08:49:30 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    ['-5', undefined],
    [undefined, undefined],
  ])('with Retry-After %j asks to wait %s seconds', (header, seconds) => {
    expect(parseRetryAfter(header, Date.parse('1994-11-06T08:49:37Z'))).toBe(seconds);
  });

  it('of 429 hands on how long to wait', async () => {
    const server = await answering((_, response) => response.writeHead(429, { 'retry-after': '77' }).end());
    await expect(discovered(transportTo(`${server.origin}/r`))).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 77 });
  });

  it('with a body that never ends is answered all the same, and the body is dropped', async () => {
    let sent = 0;
    let isClosed = false;
    const result = await opened((_, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.on('close', () => {
        isClosed = true;
      });
      const more = (): void => {
        sent += 4096;
        if (!isClosed) response.write('x'.repeat(4096), more);
      };
      more();
    });
    expect(result).toMatchObject({ code: 'server_error' });
    expect('message' in result && result.message.length).toBeLessThan(70_000);
    await expect.poll(() => isClosed).toBe(true);
    // What the sockets' buffers swallow comes on top of the limit.
    expect(sent).toBeLessThan(50_000_000);
  });
});

describe('an answer to discovery that is', () => {
  it.each<[string, Answer, string]>([
    [
      'a web page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>'),
      'not_a_git_server',
    ],
    [
      'a web page without end',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).write('<p>'.repeat(10_000)),
      'not_a_git_server',
    ],
    ['JSON', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'), 'not_a_git_server'],
    ['nothing', (_, response) => response.end(), 'dumb_http'],
    [
      'the list of a dumb server',
      (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(`${id}\trefs/heads/main\n`),
      'dumb_http',
    ],
    ['the SHA-256 list of a dumb server', (_, response) => response.end(`${id}${'b'.repeat(24)}\trefs/heads/main\n`), 'dumb_http'],
    ['a smart content type with a web page', (_, response) => response.writeHead(200, advertised).end('<!doctype html>'), 'protocol_error'],
    ['a smart content type with nothing', (_, response) => response.writeHead(200, advertised).end(), 'protocol_error'],
    ['cut by its end', (_, response) => response.writeHead(200, advertised).end(v2.subarray(0, 20)), 'protocol_error'],
    [
      'cut by a broken connection',
      (_, response) => response.writeHead(200, advertised).write(v2.subarray(0, 20), () => response.destroy()),
      'connection_failed',
    ],
    [
      'of an unknown encoding',
      (_, response) => response.writeHead(200, { ...advertised, 'content-encoding': 'br' }).end('x'),
      'protocol_error',
    ],
    [
      'gzip that is none',
      (_, response) => response.writeHead(200, { ...advertised, 'content-encoding': 'gzip' }).end(v2),
      'protocol_error',
    ],
    [
      'gzip that is cut',
      (_, response) => response.writeHead(200, { ...advertised, 'content-encoding': 'gzip' }).end(gzipSync(v2).subarray(0, 20)),
      'connection_failed',
    ],
    [
      'an error message of the server',
      (_, response) => response.writeHead(200, advertised).end(encodePkt('ERR no such repository')),
      'remote_error',
    ],
    ['a giant packet', (_, response) => response.writeHead(200, advertised).end('ffff'), 'protocol_error'],
  ])('%s has a code', async (_, answer, code) => expect(await opened(answer)).toMatchObject({ code }));

  it.each<[string, Answer]>([
    ['smart', (_, response) => response.writeHead(200, advertised).end(v2)],
    [
      'smart, with a parameter in its content type',
      (_, response) => response.writeHead(200, { 'content-type': `${advertised['content-type']}; charset=utf-8` }).end(v2),
    ],
    ['smart behind a careless proxy', (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(v2)],
    [
      'smart without a content type, with a service line',
      (_, response) => response.end(Buffer.concat([encodePkt('# service=git-upload-pack\n'), flushPkt, v2])),
    ],
    ['compressed', (_, response) => response.writeHead(200, { ...advertised, 'content-encoding': 'gzip' }).end(gzipSync(v2))],
    [
      'compressed, by its old name',
      (_, response) => response.writeHead(200, { ...advertised, 'content-encoding': 'x-gzip' }).end(gzipSync(v2)),
    ],
    ['not compressed, and says so', (_, response) => response.writeHead(200, { ...advertised, 'content-encoding': 'identity' }).end(v2)],
  ])('%s is read', async (_, answer) => expect(await opened(answer)).toMatchObject({ value: { version: 2, objectFormat: 'sha1' } }));

  it('an advertisement without end is too large, and was never held in memory', async () => {
    const many = Buffer.concat(Array.from({ length: 5000 }, () => encodePkt(`${id} refs/heads/${'x'.repeat(900)}\n`)));
    const before = process.memoryUsage().rss;
    const result = await opened((_, response) => {
      response.writeHead(200, advertised).write(encodePkt(`${id} refs/heads/x\0ofs-delta\n`));
      const more = (): void => void (response.destroyed || response.write(many, more));
      more();
    });
    expect(result).toMatchObject({ code: 'advertisement_too_large' });
    expect(process.memoryUsage().rss - before).toBeLessThan(4 * limits.advertisementBytes);
  });

  it('a decompression bomb is too large long before it is unpacked', async () => {
    const line = encodePkt(`${id} .have\n`);
    // gzip members may follow each other: a few MB that are 1.2 GB if anybody reads that far.
    const member = gzipSync(Buffer.alloc(400_000 * line.length, line), { level: 1 });
    const first = gzipSync(encodePkt(`${id} refs/heads/x\0ofs-delta\n`));
    const server = await answering((_, response) => {
      response.writeHead(200, { ...advertised, 'content-encoding': 'gzip' });
      response.end(Buffer.concat([first, ...Array.from({ length: 60 }, () => member)]));
    });
    const { advertisement } = await transportTo(`${server.origin}/r`).open('git-upload-pack', { protocol: 2 });
    expect(await codeOf(readAdvertisement(advertisement!))).toBe('advertisement_too_large');
  });

  it('silent in the middle ends with the run', async () => {
    const server = await answering((_, response) => void response.writeHead(200, advertised).write(v2.subarray(0, 20)));
    const deadline = createDeadline(60_000);
    const opening = codeOf(UploadPack.open(transportTo(`${server.origin}/r`, { deadline })));
    await expect.poll(() => server.requests.length).toBe(1);
    deadline.abort(new GitferryError('deadline_exceeded'));
    expect(await opening).toBe('deadline_exceeded');
  });
});

describe('an answer that is dropped', () => {
  const stalled: Answer = (request, response) => {
    if (request.method === 'GET') response.writeHead(200, advertised).end(v2);
    else response.writeHead(200, resulted).write('0008');
  };

  it.each([
    ['before it was read', 0],
    ['while its next bytes are waited for', 1],
  ])('%s lets go of its connection at once', async (_, reads) => {
    let isClosed = false;
    const server = await answering((request, response) => {
      response.on('close', () => {
        isClosed ||= request.method === 'POST';
      });
      stalled(request, response);
    });
    const conversation = await transportTo(`${server.origin}/r`).open('git-upload-pack', { protocol: 2 });
    await readAll(conversation.advertisement!);
    const answer = (await conversation.request(Buffer.from('0000')))[Symbol.asyncIterator]();
    if (reads > 0) await answer.next();
    const waiting = reads > 0 ? codeOf(answer.next()) : undefined;
    await answer.return?.();
    await expect.poll(() => isClosed).toBe(true);
    await waiting;
    expect(await answer.next()).toMatchObject({ done: true });
  });
});

describe('an answer to a request that is', () => {
  it.each<[string, Answer, string]>([
    ['a web page', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'), 'not_a_git_server'],
    [
      'a web page without end',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).write('<p>'),
      'not_a_git_server',
    ],
    ['without a content type', (_, response) => response.end('0000'), 'not_a_git_server'],
    ['an advertisement', (_, response) => response.writeHead(200, advertised).end('0000'), 'not_a_git_server'],
    ['401', (_, response) => response.writeHead(401).end(), 'credentials_missing'],
    ['404', (_, response) => response.writeHead(404).end(), 'repository_not_found'],
    ['500', (_, response) => response.writeHead(500).end(), 'server_error'],
    ['broken off', (_, response) => void response.destroy(), 'connection_failed'],
    ['cut', (_, response) => response.writeHead(200, resulted).write('0032', () => response.destroy()), 'connection_failed'],
  ])('%s has a code', async (_, answer, code) => {
    const server = await answering((request, response) => {
      if (request.method === 'GET') response.writeHead(200, advertised).end(v2);
      else answer(request, response);
    });
    const source = await UploadPack.open(transportTo(`${server.origin}/r`));
    expect(await codeOf(source.listRefs(['refs/']))).toBe(code);
  });
});
