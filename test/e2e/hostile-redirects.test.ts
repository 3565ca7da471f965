import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ErrorCode } from '../../lib/core/error-catalogue.ts';
import { encodePointer } from '../../lib/lfs/pointer.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { type FaultHttpServer, startFaultServer } from '../support/fault-server.ts';
import { makePack } from '../support/made-pack.ts';
import { sync } from '../support/sync.ts';
import { hostileCommit, packAnswer, pkts, rightPack, usual } from '../torture/hostile-server.ts';

const passwords = { source: 'SourcePassw0rd', target: 'TargetPassw0rd' };
const large = Buffer.from('a large file');
const lfsOid = createHash('sha256').update(large).digest('hex');
const pointer = Buffer.from(encodePointer({ oid: lfsOid, size: large.length, extensions: [] }));
const pointers = makePack([{ type: 'blob', content: pointer }]);
const other = '1'.repeat(40);

type Mode = 'v2' | 'v0' | 'questions' | 'deletions' | 'LFS';
/** A request of a run: whose, what for. */
type Step =
  `${'source' | 'target'} ${'upload-pack' | 'ls-refs' | 'fetch' | 'receive-pack' | 'push' | 'batch' | 'download' | 'upload' | 'verify'}`;

const steps: readonly [Mode, Step][] = [
  ['v2', 'source upload-pack'],
  ['v2', 'source ls-refs'],
  ['v2', 'source fetch'],
  ['v0', 'source upload-pack'],
  ['v0', 'source fetch'],
  ['questions', 'source fetch'],
  ['v2', 'target receive-pack'],
  ['deletions', 'target upload-pack'],
  ['deletions', 'target ls-refs'],
  ['v2', 'target push'],
  ['LFS', 'source batch'],
  ['LFS', 'target batch'],
  ['LFS', 'source download'],
  ['LFS', 'target upload'],
  ['LFS', 'target verify'],
];
const statuses = [301, 302, 303, 307, 308];
/** The first is no address that may be reached; behind all of them somebody listens. */
const places = ['127.0.0.2', 'localhost', '127.0.0.1'];

let peer: FaultHttpServer;
/** What the peer does in the run that goes on. */
let run: { readonly mode: Mode; readonly redirect: Step; readonly status: number; readonly place: string; readonly seen: Step[] };
/** Listens wherever redirects lead; keeps what it hears. */
const canary = { port: 0, heard: '', close: () => {} };

beforeAll(async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    canary.heard += 'a connection\n';
    socket.on('data', (bytes) => {
      canary.heard += bytes.toString('latin1');
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\nconnection: close\r\n\r\n${large}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  canary.port = (server.address() as AddressInfo).port;
  canary.close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  peer = await startFaultServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('latin1');
    const step = stepOf(request, body);
    run.seen.push(step);
    if (step === run.redirect) {
      const location = `http://${run.place}:${canary.port}${request.url}`;
      response.writeHead(run.status, { location }).end('moved');
      return;
    }
    const [type, answer] = answerTo(step, request, body);
    response.writeHead(200, { 'content-type': type }).end(answer);
  });
});
afterAll(async () => {
  canary.close();
  await peer.close();
});

function stepOf({ url = '', method }: IncomingMessage, body: string): Step {
  const end = url.startsWith('/source') ? 'source' : 'target';
  if (url.endsWith('/objects/batch')) return `${end} batch`;
  if (url.includes('/object/')) return method === 'GET' ? `${end} download` : method === 'PUT' ? `${end} upload` : `${end} verify`;
  if (method === 'GET') return url.endsWith('git-upload-pack') ? `${end} upload-pack` : `${end} receive-pack`;
  if (url.endsWith('receive-pack')) return `${end} push`;
  return body.includes('command=ls-refs') ? `${end} ls-refs` : `${end} fetch`;
}

function answerTo(step: Step, { url = '', headers }: IncomingMessage, body: string): [type: string, answer: Buffer | string] {
  const link = (name: string) => ({ href: `http://${headers.host}/${step.split(' ', 1)[0]}.git/object/${name}` });
  const object = (actions: object): [string, string] => [
    'application/vnd.git-lfs+json',
    JSON.stringify({ objects: [{ oid: lfsOid, size: large.length, actions }] }),
  ];
  if (step === 'source batch') return object({ download: link('down') });
  if (step === 'target batch') return object({ upload: link('up'), verify: link('verify') });
  if (url.includes('/object/')) return ['application/octet-stream', step === 'source download' ? large : ''];
  const service = url.includes('receive-pack') ? 'git-receive-pack' : 'git-upload-pack';
  const isList = url.includes('/info/refs');
  const type = `application/x-${service}-${isList ? 'advertisement' : 'result'}`;
  const announce = pkts(`# service=${service}\n`);
  if (step === 'source upload-pack' && run.mode === 'v0')
    return [
      type,
      Buffer.concat([
        announce,
        pkts(`${hostileCommit} HEAD\0symref=HEAD:refs/heads/main side-band-64k`, `${hostileCommit} refs/heads/main`),
      ]),
    ];
  if (step === 'target receive-pack' && (run.mode === 'questions' || run.mode === 'deletions')) {
    const branch = run.mode === 'questions' ? `${other} refs/heads/main` : `${hostileCommit} refs/heads/gone`;
    return [type, Buffer.concat([announce, pkts(`${branch}\0report-status side-band-64k delete-refs`)])];
  }
  if (step === 'source fetch' && run.mode === 'LFS' && body.includes('filter')) return [type, packAnswer(pointers)];
  if (step === 'source fetch' && run.mode === 'v0')
    return [type, Buffer.concat([Buffer.from('0008NAK\n'), packAnswer(rightPack).subarray('000dpackfile\n'.length)])];
  const stage = isList ? 'advertisement' : service === 'git-receive-pack' ? 'push' : step.endsWith('ls-refs') ? 'ls-refs' : 'fetch';
  const { body: parts } = usual(stage, service, body);
  return [type, Buffer.concat([...(parts as Iterable<Uint8Array>)])];
}

function mirror(mode: Mode): Promise<RunOutcome> {
  const url = (end: 'source' | 'target'): string => `http://${end}:${passwords[end]}@127.0.0.1:${peer.port}/${end}.git`;
  const options = mode === 'LFS' ? ['--lfs', 'on'] : mode === 'questions' ? ['--keep-divergent-refs', '--lfs', 'off'] : ['--lfs', 'off'];
  return sync(url('source'), url('target'), options, [], '127.0.0.1/32');
}
const codeOf = ({ error, lfs }: RunOutcome): ErrorCode | undefined => lfs?.failures[0]?.code ?? error?.code;

/** Each redirect of this step, and what it came to. */
async function redirected(mode: Mode, step: Step, place: string, check: (outcome: RunOutcome) => unknown): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const status of statuses) {
    run = { mode, redirect: step, status, place, seen: [] };
    canary.heard = '';
    const outcome = await mirror(mode);
    const leaks = Object.values(passwords).filter((password) => JSON.stringify(outcome).includes(password));
    found.push({ status, isAsked: run.seen.includes(step), leaks, ...(check(outcome) as object) });
  }
  return found;
}
const all = (result: object): unknown[] => statuses.map((status) => ({ status, isAsked: true, leaks: [], ...result }));

it.each<[Mode, readonly Step[]]>(
  (['v2', 'v0', 'deletions', 'LFS'] as const).map((mode) => [mode, steps.flatMap(([of, step]) => (of === mode ? [step] : []))]),
)('Without a redirect, a run of the kind "%s" takes all of its steps and succeeds', async (mode, wanted) => {
  run = { mode, redirect: 'source push', status: 0, place: '', seen: [] };
  expect(await mirror(mode)).toMatchObject({ outcome: 'success', error: null });
  expect(run.seen).toEqual(expect.arrayContaining([...wanted]));
});

const follows = (step: Step, place: string): boolean => step === 'source download' && place !== '127.0.0.2';

it.each(steps.flatMap(([mode, step]) => places.filter((place) => !follows(step, place)).map((place) => [mode, step, place] as const)))(
  'In a run of the kind "%s", %s is not redirected to %s: a coded refusal, nobody is asked there, no ref moves by it',
  async (mode, step, place) => {
    // Elsewhere no status is a reason to look at the address at all.
    const looksAtIt = /upload-pack|receive-pack|download/.test(step) && place === '127.0.0.2';
    const code = mode === 'questions' ? 'refs_diverged' : looksAtIt ? 'address_blocked' : 'redirect_refused';
    // Refs are tried whatever becomes of LFS objects.
    const pushes = mode === 'LFS' || step === 'target push' ? 1 : 0;
    const seen = await redirected(mode, step, place, (outcome) => ({
      code: codeOf(outcome),
      heard: canary.heard,
      pushes: run.seen.filter((each) => each === 'target push').length,
      moved: outcome.refs.filter(({ result }) => ['created', 'updated', 'forced', 'deleted'].includes(result)).length,
    }));
    expect(seen).toEqual(all({ code, heard: '', pushes, moved: mode === 'LFS' ? 1 : 0 }));
  },
);

it.each(['localhost', '127.0.0.1'])('A download may be redirected to a content network (%s): nothing of ours goes there', async (place) => {
  const seen = await redirected('LFS', 'source download', place, (outcome) => ({
    outcome: outcome.outcome,
    head: /^GET \S+/m.exec(canary.heard)?.[0],
    brings: /^(authorization|cookie|referer|proxy-authorization)/im.exec(canary.heard)?.[0],
  }));
  expect(seen).toEqual(all({ outcome: 'success', head: 'GET /source.git/object/down', brings: undefined }));
});
