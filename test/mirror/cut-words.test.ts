/** A secret never survives in part, wherever the words of a host are cut: every way on which such words come in, with the secret across every place. */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { type GitferryError, toGitferryError } from '../../lib/core/errors.ts';
import { limits } from '../../lib/core/limits.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { errorForStatus } from '../../lib/git/transport/http/http-status.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { toSshError } from '../../lib/git/transport/ssh/ssh-error.ts';
import { notGit, refusedByExit } from '../../lib/git/transport/ssh/ssh-refusal.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../lib/git/wire/pkt-reader.ts';
import { parseReportStatus } from '../../lib/git/wire/report-status.ts';
import { demultiplex, RemoteWords } from '../../lib/git/wire/sideband.ts';
import { failureOf } from '../../lib/lfs/lfs-failure.ts';
import { LfsServer } from '../../lib/lfs/lfs-server.ts';
import { type RunFacts, summarise } from '../../lib/mirror/outcome.ts';
import { rejectionReasons } from '../../lib/mirror/rejection-reason.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { forThisTest, transportTo } from '../support/http-transport.ts';

const secret = 'Zq7Xk9Wv3Jm5Lp2Rt8Ys';
/** What may be left of it: less than this much in one piece. */
const harmless = 3;
const redactor = createRedactor([{ username: 'me', password: secret }]);

const nothing: RunFacts = {
  refs: [],
  error: undefined,
  divergedDefaultBranch: undefined,
  bytes: 0,
  durationMs: 0,
  dryRun: false,
  notes: [],
};
const command = { ref: 'refs/heads/a', old: null, new: 'a'.repeat(40) };
const rejected = (reason: string): RunFacts => ({
  ...nothing,
  refs: [{ ref: command.ref, result: 'rejected', old: null, new: command.new, reason }],
});
const failed = (error: GitferryError): RunFacts => ({ ...nothing, error });

async function* bytesOf(...pieces: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array, void> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function errorOf(work: () => unknown): Promise<GitferryError> {
  try {
    await work();
  } catch (error) {
    return toGitferryError(error);
  }
  throw new Error('it should have failed');
}

function packetReader(...packets: readonly string[]): PktReader {
  const bytes = bytesOf(...packets.map((packet) => encodePkt(packet)), flushPkt);
  return new PktReader(bytes, { maxBytes: limits.reportBytes, truncatedCode: 'report_missing' });
}

function band(number: number, words: string): Buffer {
  return encodePkt(Buffer.concat([Buffer.from([number]), Buffer.from(words)]));
}

async function said(words: string): Promise<string[]> {
  const heard = new RemoteWords();
  for await (const _ of demultiplex(bytesOf(band(2, words), flushPkt), { words: heard, truncatedCode: 'report_missing' }));
  return heard.lines();
}

function answerOf(status: number, words: string) {
  return { status, headers: { 'content-type': 'text/plain' }, body: Readable.from([Buffer.from(words)]) };
}

/** The words of a host → what a run makes of them. */
const ways: Readonly<Record<string, (words: string) => Promise<RunFacts>>> = {
  'the body of an HTTP error': async (words) =>
    failed(await errorForStatus(answerOf(403, words), { href: 'https://host/r', credential: { username: '', password: 'x' } })),
  'an ERR packet': async (words) => failed(await errorOf(() => packetReader(`ERR ${words}`).read())),
  'the fatal sideband': async (words) =>
    failed(
      await errorOf(async () => {
        for await (const _ of demultiplex(bytesOf(band(3, words)), { words: new RemoteWords(), truncatedCode: 'pack_truncated' }));
      }),
    ),
  'what hooks say': async (words) => rejected(rejectionReasons([command], { report: undefined, words: await said(words) })(command)),
  'what hooks say before much else': async (words) => {
    const rest = 'p'.repeat(limits.remoteWordsBytes - 150);
    return rejected(rejectionReasons([command], { report: undefined, words: await said(`${words}\r${rest}`) })(command));
  },
  'the reason of a ref': async (words) => {
    const report = await parseReportStatus(packetReader('unpack ok', `ng ${command.ref} ${words}`));
    return rejected(rejectionReasons([command], { report, words: [] })(command));
  },
  'the reason of a refused pack': async (words) => rejected((await parseReportStatus(packetReader(`unpack ${words}`)))?.unpack ?? ''),
  'a line that is no report': async (words) => failed(await errorOf(() => parseReportStatus(packetReader(`x${words}`)))),
  'the farewell of an SSH server': async (words) =>
    failed(toSshError(new Error(words), { place: 'host:22', greeting: undefined, ready: true })),
  'what answers in place of an SSH server': async (words) =>
    failed(toSshError(new Error('closed'), { place: 'host:22', greeting: Buffer.from(words), ready: false })),
  'what an SSH command says': async (words) => failed(refusedByExit({ href: 'ssh://host/r', exit: { code: 1, signal: undefined }, words })),
  'what an SSH command says instead of Git': async (words) => failed(notGit('ssh://host/r', Buffer.from(words), '')),
};

/** Around every number that a cut was ever at, and everywhere up to what is shown. */
const places = [
  ...Array.from({ length: Math.ceil((limits.toldCharacters + 60) / 5) }, (_, index) => index * 5),
  ...[8_192, 16_384].flatMap((cut) => Array.from({ length: 12 }, (_, index) => cut - 22 + index * 2)),
];

function leftOver(told: string): string | undefined {
  for (let at = 0; at + harmless < secret.length; at++) {
    const piece = secret.slice(at, at + harmless + 1);
    if (told.includes(piece)) return piece;
  }
  return undefined;
}

describe('a secret across a cut', () => {
  it.each(Object.entries(ways))('of %s is masked whole', async (_, way) => {
    let masked = 0;
    for (const place of places) {
      const words = `${'word '.repeat(place / 5 + 1).slice(0, place)}${secret} and more words behind it`;
      const outcome = JSON.stringify(summarise(await way(words), redactor));
      expect(leftOver(outcome), `at ${place}`).toBeUndefined();
      if (outcome.includes('*****')) masked++;
    }
    expect(masked).toBeGreaterThan(20);
  });

  it('of headers that a web server sends is masked whole', async () => {
    const server = createServer((request, response) => {
      const words = `${'x'.repeat(Number(request.url?.split('/')[1]))}${secret}`;
      if (request.url?.includes('upload')) response.writeHead(200, { 'content-encoding': words });
      else response.writeHead(200, { 'content-type': words });
      response.end('0000');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await forThisTest(Promise.resolve({ close: async () => void server.close() }));
    const { port } = server.address() as AddressInfo;
    for (let place = 0; place < 60; place++) {
      for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
        const transport = transportTo(`http://127.0.0.1:${port}/${place}/r.git`);
        const error = await errorOf(async () => {
          const { advertisement } = await transport.open(service, { protocol: 2 });
          for await (const _ of advertisement ?? []);
        });
        expect(leftOver(JSON.stringify(summarise(failed(error), redactor)))).toBeUndefined();
      }
    }
  });

  it.each(['an HTTP error', 'an error beside an object'])('of %s of an LFS server is masked whole', async (kind) => {
    const object = { oid: 'a'.repeat(64), size: 3 };
    let words = '';
    const server = createServer((_, response) => {
      const isBatch = kind !== 'an HTTP error';
      response.writeHead(isBatch ? 200 : 422, { 'content-type': 'application/vnd.git-lfs+json' });
      response.end(JSON.stringify(isBatch ? { objects: [{ ...object, error: { code: 422, message: words } }] } : { message: words }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
    const deadline = createDeadline(60_000);
    onTestFinished(async () => {
      deadline.clear();
      await http.close();
      server.close();
    });
    const { url } = parseRepositoryUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/r`, 'url');
    const lfs = new LfsServer({ side: 'target', url, credential: undefined, lfsUrl: undefined }, { http, deadline, redactor });
    for (let place = 430; place < 530; place += 2) {
      words = `${'x'.repeat(place - 1)} ${secret}`;
      const answer = lfs.batch({ operation: 'upload', objects: [object], ref: undefined });
      const failure = await answer.then(
        ([first]) => failureOf(object, lfs.objectError(first?.kind === 'error' ? first : { status: 0, words: '' })),
        (error: unknown) => failureOf(object, toGitferryError(error)),
      );
      const lfsOutcome = { scan: 'new', moved: 0, skipped: 0, failed: 1, bytes: 0, failures: [{ ...failure, path: null }] } as const;
      expect(leftOver(JSON.stringify(summarise({ ...nothing, lfs: lfsOutcome }, redactor))), `at ${place}`).toBeUndefined();
    }
  });
});

describe('words of a host', () => {
  it('are cut nowhere but in lib/core/told.ts', async () => {
    const cuts = /\.(?:slice|substring|substr)\((?:0, )?-?(?:\d{2,}|limits\.(?!refNameBytes)\w*(?:Characters|Bytes))\)/;
    const found: string[] = [];
    for (const layer of ['git', 'lfs', 'net', 'mirror']) {
      for (const entry of await readdir(`lib/${layer}`, { recursive: true, withFileTypes: true })) {
        const path = `${entry.parentPath}/${entry.name}`;
        if (entry.isFile() && cuts.test(await readFile(path, 'utf8'))) found.push(path);
      }
    }
    expect(found).toEqual([]);
  });
});
