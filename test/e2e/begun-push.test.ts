/** A push whose end is held back, between sides that do not keep to their part: each comes to an end in time, and nothing stays open. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServerChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline, type Deadline } from '../../lib/core/deadline.ts';
import { ReceivePack } from '../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import type { Oid } from '../../lib/git/object-id.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import type { Transport } from '../../lib/git/transport/transport.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { HeldEnd } from '../../lib/mirror/held-end.ts';
import { type RelayResult, relay } from '../../lib/mirror/relay.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { commitTo } from '../support/commit-to.ts';
import { git, temporaryFolder } from '../support/git.ts';
import { beginningOf, type Exchange, type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import { drained } from '../torture/hostile-server.ts';

/** More than what a push over HTTP holds back to know its length. */
const packBytes = 1_500_000;
const zero = '0'.repeat(40);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let commit: Oid;
/** What the source does with a request for the pack; without it, git answers. */
let atSource: ((exchange: Exchange) => unknown) | undefined;
let source: GitHttpServer;
let openAtSource = 0;
let deadline: Deadline;
const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));

beforeAll(async () => {
  folder = await temporaryFolder();
  deadline = createDeadline(120_000);
  const path = `${folder.path}/repo.git`;
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  await git(path, ['config', 'core.compression', '0']);
  commit = (await commitTo(path, { 'a.bin': randomBytes(packBytes).toString('latin1') })) as Oid;
  source = await startGitHttpServer({
    root: folder.path,
    async intercept(exchange) {
      const body = exchange.isRpc ? await beginningOf(exchange.request) : '';
      if (!body.includes('command=fetch')) return false;
      openAtSource++;
      exchange.response.on('close', () => openAtSource--);
      await atSource?.(exchange);
      return atSource !== undefined;
    },
  });
});
afterAll(async () => {
  deadline.clear();
  await http.close();
  await source.close();
  await folder.remove();
});

/** What a target does with a push. */
interface Push {
  /** The request as it comes; nobody reads it unless this does. */
  readonly input: NodeJS.ReadableStream;
  answer(report: Buffer): void;
  /** With this status (HTTP). */
  refuse(status: number): void;
  hangUp(): void;
}
type Conduct = (push: Push) => unknown;

const refs = Buffer.concat([encodePkt(`${zero} capabilities^{}\0report-status side-band-64k agent=git/2.39.5\n`), flushPkt]);
const report = (...lines: readonly string[]): Buffer => {
  const inner = Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt]);
  return Buffer.concat([encodePkt(Buffer.concat([Buffer.from([1]), inner])), flushPkt]);
};
const yes = report('unpack ok\n', 'ok refs/heads/main\n');

interface Target {
  readonly transport: Transport;
  /** Headers of the pushes (HTTP), in order. */
  readonly pushes: readonly Readonly<Record<string, unknown>>[];
  /** Pushes that have not ended. */
  open(): number;
}

async function overHttp(conduct: Conduct): Promise<Target> {
  const pushes: Record<string, unknown>[] = [];
  let open = 0;
  const server = await startGitHttpServer({
    root: folder.path,
    intercept({ request, response, isRpc }) {
      response.on('error', () => {});
      if (!isRpc) {
        response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-advertisement' });
        response.end(Buffer.concat([encodePkt('# service=git-receive-pack\n'), flushPkt, refs]));
        return true;
      }
      pushes.push(request.headers);
      open++;
      request.socket.once('close', () => open--);
      conduct({
        input: request,
        answer: (bytes) => void response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' }).end(bytes),
        refuse: (status) => void response.writeHead(status).end(),
        hangUp: () => request.socket.destroy(),
      });
      return true;
    },
  });
  onTestFinished(server.close);
  return { transport: transportTo(server.url('x.git'), []), pushes, open: () => open };
}

async function overSsh(conduct: Conduct): Promise<Target> {
  const pushes: Record<string, unknown>[] = [];
  let open = 0;
  const server = await startSshTestServer({
    methods: ['none'],
    answers: {
      command: 'git-receive-pack',
      answer(channel: ServerChannel) {
        open++;
        channel.on('error', () => {}).once('close', () => open--);
        channel.write(refs);
        pushes.push({});
        conduct({
          input: channel,
          answer(bytes) {
            channel.write(bytes);
            channel.exit(0);
            channel.end();
          },
          refuse: () => server.cut(),
          hangUp: () => server.cut(),
        });
      },
    },
  });
  onTestFinished(server.close);
  return { transport: transportTo(server.url('/x.git'), server.hostKeys), pushes, open: () => open };
}

function transportTo(url: string, hostKeys: readonly string[]): Transport {
  const endpoint = { url: parseRepositoryUrl(url, 'T').url, credential: undefined, hostKeys };
  const transport = createTransport(endpoint, { http, guard: createAddressGuard(['127.0.0.0/8']), deadline });
  onTestFinished(() => transport.close());
  return transport;
}

async function pushTo({ transport }: Target, end?: HeldEnd): Promise<RelayResult> {
  return relay(
    {
      source: await UploadPack.open(transportTo(source.url('repo.git'), [])),
      target: await ReceivePack.open(transport),
      commands: [{ ref: 'refs/heads/main', old: null, new: commit }],
      haves: [],
      thinPack: true,
      end,
    },
    { deadline, onBytes: () => {}, onPackSent: () => {} },
  );
}

/** The source of this test does so with requests for the pack. */
function sourceThat(does: (exchange: Exchange) => unknown): void {
  atSource = does;
  onTestFinished(() => {
    atSource = undefined;
  });
}

async function sendsWithoutEnd({ response }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
  const piece = Buffer.concat([Buffer.from([1]), randomBytes(60_000)]);
  response.write(Buffer.concat([encodePkt('packfile\n'), encodePkt(Buffer.from('\x01PACK\0\0\0\x02\0\0\0\x09', 'latin1'))]));
  while (!response.destroyed) if (!response.write(encodePkt(piece))) await drained(response);
}

const soon = { heldMs: 1, givenUpMs: 100 };
const patient = { heldMs: 60_000, givenUpMs: 60_000 };
const swallow = ({ input }: Push): void => void input.resume();

describe.each([
  ['HTTP', overHttp],
  ['SSH', overSsh],
] as const)('a target over %s', (protocol, start) => {
  it('that never answers a push that was given up is left when its time is over', async () => {
    const target = await start(swallow);
    expect(await pushTo(target, new HeldEnd(soon))).toMatchObject({ kind: 'given up' });
    await expect.poll(target.open).toBe(0);
  });

  it('that stops reading is left when its time is over, and so is the source', async () => {
    // More than sockets and channels take in while nobody reads.
    sourceThat(sendsWithoutEnd);
    const end = new HeldEnd({ ...patient, givenUpMs: 100 });
    let stuck: NodeJS.ReadableStream | undefined;
    const target = await start(({ input }) => {
      input.once('data', () => {
        stuck = input.pause();
      });
    });
    const pushing = pushTo(target, end);
    await expect.poll(() => stuck).toBeDefined();
    end.giveUp();
    expect(await pushing).toMatchObject({ kind: 'given up' });
    // A socket that is not read does not show that the other side has gone.
    stuck?.resume();
    await expect.poll(target.open).toBe(0);
    await expect.poll(() => openAtSource).toBe(0);
  });

  it.each([
    ['says that all is well', yes],
    ['refuses the ref', report('unpack ok\n', 'ng refs/heads/main no\n')],
    ['says that the pack is short', report('unpack index-pack abnormal exit\n', 'ng refs/heads/main unpacker error\n')],
    ['says nothing', Buffer.alloc(0)],
  ])('that %s before the end was sent has not been pushed to', async (_what, words) => {
    const target = await start((push) => {
      swallow(push);
      push.answer(words);
    });
    expect(await pushTo(target, new HeldEnd(patient))).toMatchObject({ kind: 'given up' });
    await expect.poll(() => openAtSource).toBe(0);
  });

  it('that says yes in the middle of a push without a held end is not believed', async () => {
    sourceThat(sendsWithoutEnd);
    const target = await start((push) => push.answer(yes));
    expect(await pushTo(target)).toMatchObject({ kind: 'broken', error: { code: 'protocol_error' } });
  });

  it('that hangs up while the end is held back gets the whole push as if there had been none', async () => {
    let pushes = 0;
    const target = await start(({ input, hangUp, answer }) => {
      input.resume();
      if (++pushes === 1) setTimeout(hangUp, 300);
      else input.once('end', () => answer(yes));
    });
    expect(await pushTo(target, new HeldEnd(patient))).toMatchObject({ kind: 'given up' });
    const again = protocol === 'HTTP' ? target : await start(({ input, answer }) => void input.resume().once('end', () => answer(yes)));
    expect(await pushTo(again)).toMatchObject({ kind: 'answered', answer: { report: { unpack: 'ok' } } });
    // As it comes, not by way of a file: hanging up said nothing of chunks.
    if (protocol === 'HTTP') expect(target.pushes.map((headers) => headers['transfer-encoding'])).toEqual(['chunked', 'chunked']);
  });

  it('that is sent a pack without end by a source is left at once when the push is given up, and so is the source', async () => {
    sourceThat(sendsWithoutEnd);
    const end = new HeldEnd({ ...patient, givenUpMs: 60_000 });
    // Real servers say no when the request ends.
    let came = 0;
    const target = await start(({ input, answer }) => {
      input.on('data', (chunk: Buffer) => {
        came += chunk.length;
      });
      input.once('end', () => answer(report('unpack early EOF\n')));
    });
    const pushing = pushTo(target, end);
    await expect.poll(() => came).toBeGreaterThan(packBytes);
    end.giveUp();
    expect(await pushing).toMatchObject({ kind: 'given up' });
    await expect.poll(() => openAtSource).toBe(0);
  });
});

describe('a source', () => {
  it.each([
    ['has not begun to answer', ''],
    ['is silent before the pack', encodePkt('packfile\n').toString('latin1')],
    ['is silent in the middle of the pack', 'pack'],
  ])('that %s is left at once when the push is given up', async (_when, said) => {
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    sourceThat(async ({ response }) => {
      if (said !== '') {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
        response.write(encodePkt('packfile\n'));
        if (said === 'pack') response.write(encodePkt(Buffer.from('\x01PACK\0\0\0\x02\0\0\0\x09', 'latin1')));
      }
      asked();
      await once(response, 'close');
    });
    const end = new HeldEnd(patient);
    const target = await overHttp(({ input, answer }) => void input.resume().once('end', () => answer(report('unpack early EOF\n'))));
    const pushing = pushTo(target, end);
    await isAsked;
    await wait(20);
    end.giveUp();
    expect(await pushing).toMatchObject({ kind: 'given up' });
    await expect.poll(() => openAtSource).toBe(0);
  });
});

it.each(['answers 400 to', 'hangs up on'])('A host that %s half a request is not taken for one that refuses chunks', async (what) => {
  let pushes = 0;
  const target = await overHttp(({ input, answer, refuse, hangUp }) => {
    input.resume().once('end', () => (++pushes > 1 ? answer(yes) : what === 'hangs up on' ? hangUp() : refuse(400)));
  });
  expect(await pushTo(target, new HeldEnd({ ...patient, heldMs: 1 }))).toMatchObject({ kind: 'given up' });
  expect(await pushTo(target)).toMatchObject({ kind: 'answered' });
  expect(target.pushes.map((headers) => headers['transfer-encoding'])).toEqual(['chunked', 'chunked']);
});

it.each([
  [503, { kind: 'given up' }],
  [429, { kind: 'broken', error: { code: 'rate_limited' } }],
  [413, { kind: 'broken', error: { code: 'request_too_large' } }],
  [403, { kind: 'broken', error: { code: 'permission_denied' } }],
])('A target that answers %i to a push that has begun is pushed to anew only where that may help', async (status, result) => {
  const target = await overHttp(({ input, refuse }) => {
    input.resume();
    refuse(status);
  });
  expect(await pushTo(target, new HeldEnd(patient))).toMatchObject(result);
});
