import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { createLfsServer } from '../../lib/lfs/create-lfs-server.ts';
import type { LfsObject } from '../../lib/lfs/pointer.ts';
import { transferObject } from '../../lib/lfs/transfer-object.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { codeOf } from '../support/byte-streams.ts';
import { startFaultServer } from '../support/fault-server.ts';

/** More than all buffers on the way hold. */
const content = Buffer.alloc(8 * 1024 * 1024, 'large ');
const object = { oid: createHash('sha256').update(content).digest('hex'), size: content.length };
const hurriedMs = 400;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Answers = Partial<Record<'/down' | '/up' | '/verify', Answer>>;

const usual: Required<Answers> = {
  '/down': (_, response) => response.end(content),
  '/up': (request, response) => request.resume().on('end', () => response.end()),
  '/verify': (request, response) => request.resume().on('end', () => response.end()),
};

interface TransferOptions {
  /** Why the run is over before it begins. */
  readonly over?: GitferryError;
  readonly of?: LfsObject;
  readonly silenceMs?: number;
  /** What the upload's link brings. */
  readonly header?: Readonly<Record<string, string>>;
  readonly onBytes?: (bytes: number) => void;
}

async function transfer(
  answers: Answers,
  { over, of = object, silenceMs = hurriedMs, header = {}, onBytes = () => {} }: TransferOptions = {},
): Promise<void> {
  const server = await startFaultServer((request, response) => {
    const path = request.url as keyof Answers;
    (answers[path] ?? usual[path])?.(request, response);
  });
  const guard = createAddressGuard(['127.0.0.1']);
  const http = createHttpClient(guard);
  const deadline = createDeadline(30_000);
  if (over !== undefined) deadline.abort(over);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
    await server.close();
  });
  const { url } = parseRepositoryUrl('https://lfs.example/r.git', 'URL');
  const end = (side: 'source' | 'target') =>
    createLfsServer(
      { side, url, credential: undefined, hostKeys: [], lfsUrl: undefined },
      { http, guard, deadline, redactor: createRedactor([]) },
    );
  const action = (path: keyof Answers) => ({ href: new URL(server.origin + path), header: {}, expiresAt: undefined });
  await transferObject({
    object: of,
    source: end('source'),
    target: end('target'),
    download: { action: action('/down'), authenticated: true },
    upload: { ...action('/up'), header },
    verify: action('/verify'),
    uploadAuthenticated: true,
    onBytes,
    silenceMs,
  });
}

describe('an object on its way', () => {
  it.each<[string, Answers]>([
    ['a source that never answers', { '/down': () => {} }],
    ['a source that answers with nothing', { '/down': (_, response) => response.flushHeaders() }],
    ['a source that stops in the middle', { '/down': (_, response) => response.write(content.subarray(0, 1000)) }],
    ['a target that takes nothing', { '/up': () => {} }],
    ['a target that takes all and says nothing', { '/up': (request) => request.resume() }],
    ['a target that never verifies', { '/verify': (request) => request.resume() }],
  ])('ends with timed_out at %s, long before the run does', async (_, answers) => {
    const startedAt = performance.now();
    expect(await codeOf(transfer(answers))).toBe('timed_out');
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  it('does not begin when the run is over', async () => {
    const asked: string[] = [];
    const ask =
      (path: string): Answer =>
      () =>
        void asked.push(path);
    const over = new GitferryError('run_interrupted');
    expect(await codeOf(transfer({ '/down': ask('/down'), '/up': ask('/up') }, { over }))).toBe('run_interrupted');
    expect(asked).toEqual([]);
  });

  it('may take longer than that as long as it moves', async () => {
    const pieces = Array.from({ length: 8 }, (_, index) =>
      content.subarray((index * content.length) / 8, ((index + 1) * content.length) / 8),
    );
    const slowly: Answer = (_, response) => {
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) return void response.end();
        response.write(piece);
        setTimeout(next, hurriedMs / 4);
      };
      next();
    };
    const startedAt = performance.now();
    expect(await codeOf(transfer({ '/down': slowly }))).toBeUndefined();
    expect(performance.now() - startedAt).toBeGreaterThan(hurriedMs);
  });

  it('may take as long again to be verified', async () => {
    const after: Answer = (request, response) => request.resume().on('end', () => setTimeout(() => response.end(), 650));
    expect(await codeOf(transfer({ '/up': after, '/verify': after }, { silenceMs: 1_000 }))).toBeUndefined();
  });

  it('is counted byte by byte', async () => {
    const counts: number[] = [];
    await transfer({}, { onBytes: (bytes) => void counts.push(bytes) });
    expect(counts.reduce((sum, bytes) => sum + bytes, 0)).toBe(content.length);
  });
});

it.each<[string, Record<string, string>, string]>([
  ['as plain bytes', {}, 'application/octet-stream'],
  ['as its link says', { 'content-type': 'video/mp4' }, 'video/mp4'],
])('An upload goes out %s, and its answer is to come uncompressed', async (_, header, type) => {
  const seen: IncomingMessage['headers'][] = [];
  const up: Answer = (request, response) => {
    seen.push(request.headers);
    usual['/up'](request, response);
  };
  await transfer({ '/up': up }, { header });
  expect(seen).toMatchObject([{ 'content-type': type, 'accept-encoding': 'identity', 'content-length': String(content.length) }]);
});

describe('an answer that is no plain yes', () => {
  const refuse =
    (status: number): Answer =>
    (request, response) =>
      request.resume().on('end', () => response.writeHead(status, { location: '/elsewhere' }).end());
  it.each<[keyof Answers, number, string]>([
    ['/down', 204, 'lfs_object_missing'],
    ['/down', 206, 'lfs_object_missing'],
    ['/up', 302, 'redirect_refused'],
    ['/up', 307, 'redirect_refused'],
    ['/verify', 307, 'redirect_refused'],
  ])('is none: %s %i', async (path, status, code) => {
    expect(await codeOf(transfer({ [path]: refuse(status) }))).toBe(code);
  });
});

it('A target is not asked to take an empty object under the name of another one', async () => {
  let uploads = 0;
  const answers: Answers = {
    '/down': (_, response) => response.end(),
    '/up': (_, response) => {
      uploads++;
      response.end();
    },
  };
  expect(await codeOf(transfer(answers, { of: { ...object, size: 0 } }))).toBe('lfs_object_corrupt');
  expect(uploads).toBe(0);
});

describe('a target that was told of an object which is not what it should be', () => {
  const spoilt = Buffer.from(content);
  spoilt[content.length - 1] = 1;
  it.each<[string, Answer, string]>([
    ['of other content', (_, response) => response.end(spoilt), 'lfs_object_corrupt'],
    [
      'of other content, in pieces of no announced length',
      (_, response) => void response.write(spoilt, () => response.end()),
      'lfs_object_corrupt',
    ],
    ['that goes on', (_, response) => void response.write(content, () => response.end('more')), 'lfs_object_corrupt'],
    ['that ends early', (_, response) => void response.write(content.subarray(0, -1), () => response.end()), 'lfs_transfer_failed'],
  ])('%s never has all of it', async (_, down, code) => {
    let received = 0;
    const up: Answer = (request) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
    };
    expect(await codeOf(transfer({ '/down': down, '/up': up }))).toBe(code);
    expect(received).toBeLessThan(content.length);
  });
});

it.each([200, 204])('An upload that is taken (%i) before it is all there is not believed', async (status) => {
  expect(await codeOf(transfer({ '/up': (_, response) => response.writeHead(status).end() }))).toBe('lfs_protocol_error');
});
