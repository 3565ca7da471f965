/** Smart HTTP: pushes, chunked and with a known length. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../../../lib/core/limits.ts';
import { ReceivePack } from '../../../../lib/git/client/push-pack.ts';
import { spool } from '../../../../lib/git/transport/http/spool.ts';
import type { Transport } from '../../../../lib/git/transport/transport.ts';
import { codeOf, cut, readAll } from '../../../support/byte-streams.ts';
import { git, gitEnvironment, refsOf, temporaryFolder } from '../../../support/git.ts';
import { type GitHttpServerOptions, startGitHttpServer } from '../../../support/git-http-server.ts';
import { forThisTest, transportTo } from '../../../support/http-transport.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let commit: string;
let pack: Buffer;
let count = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  const source = join(folder.path, 'source.git');
  await git(folder.path, ['init', '--quiet', '--bare', source]);
  const blob = await git(source, ['hash-object', '-w', '--stdin'], { input: randomBytes(2 * limits.bufferedRequestBytes) });
  const tree = await git(source, ['mktree'], { input: `100644 blob ${blob}\tbig\n` });
  commit = await git(source, ['commit-tree', '-m', 'big', tree]);
  pack = execFileSync('git', ['-C', source, 'pack-objects', '--revs', '--stdout', '--quiet'], {
    env: gitEnvironment,
    input: `${commit}\n`,
    maxBuffer: 1 << 28,
  });
});
afterAll(() => folder.remove());

/** An empty repository behind a server of its own. */
async function target(options: Partial<GitHttpServerOptions> = {}) {
  const name = `target-${count++}.git`;
  const path = join(folder.path, name);
  await git(folder.path, ['init', '--quiet', '--bare', path]);
  const server = await forThisTest(startGitHttpServer({ root: folder.path, ...options }));
  return { path, server, transport: transportTo(server.url(name)) };
}

async function push(transport: Transport, bytes: AsyncIterable<Uint8Array> = cut(pack, [65_536])) {
  const receivePack = await ReceivePack.open(transport);
  return receivePack.push([{ ref: 'refs/heads/main', old: null, new: commit }], bytes);
}

/** A temporary folder of this test's own, so that what is left in it can be counted. */
function ownTemporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gitferry-test-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = path;
  onTestFinished(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(path, { recursive: true });
  });
  return path;
}

describe('a long push', () => {
  it('is sent chunked as it comes, and nothing is stored', async () => {
    const temporary = ownTemporaryFolder();
    const { path, server, transport } = await target();
    const { report } = await push(transport);
    expect(report).toEqual({ unpack: 'ok', refs: new Map([['refs/heads/main', undefined]]) });
    expect(await refsOf(path)).toEqual({ 'refs/heads/main': commit });
    expect(server.log.at(-1)?.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([411, 400, 501])('that is refused with %i for being chunked goes through with its length, and /tmp is clean', async (status) => {
    const temporary = ownTemporaryFolder();
    const { path, server, transport } = await target({ refuseChunked: status });
    expect(await codeOf(push(transport))).toBe('chunking_refused');
    const { report } = await push(transport);
    expect(report?.unpack).toBe('ok');
    expect(await refsOf(path)).toEqual({ 'refs/heads/main': commit });
    const sent = server.log.filter(({ method }) => method === 'POST').map(({ headers }) => headers['content-length']);
    expect(sent[0]).toBeUndefined();
    expect(Number(sent[1])).toBeGreaterThan(pack.length);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('leaves /tmp clean also if it is refused with its length, or the server is gone', async () => {
    const temporary = ownTemporaryFolder();
    const refusing = await target({ refuseChunked: 411, maxRequestBytes: 10_000 });
    expect(await codeOf(push(refusing.transport))).toBe('chunking_refused');
    expect(['request_too_large', 'connection_failed']).toContain(await codeOf(push(refusing.transport)));
    expect(readdirSync(temporary)).toEqual([]);

    const leaving = await target({ refuseChunked: 411 });
    const receivePack = await ReceivePack.open(leaving.transport);
    const commands = [{ ref: 'refs/heads/main', old: null, new: commit }];
    expect(await codeOf(receivePack.push(commands, cut(pack, [65_536])))).toBe('chunking_refused');
    await leaving.server.close();
    expect(await codeOf(receivePack.push(commands, cut(pack, [65_536])))).toBe('connection_failed');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([
    [401, 'credentials_missing'],
    [403, 'permission_denied'],
    [413, 'request_too_large'],
    [503, 'server_error'],
  ])('that is answered with %i while it is being sent ends there: the pack is not read on', async (status, code) => {
    const { transport } = await target({
      intercept({ response, isRpc }) {
        if (isRpc) response.writeHead(status, { connection: 'close' }).end();
        return isRpc;
      },
    });
    let isEnded = false;
    const endless = (async function* () {
      try {
        for (;;) yield pack.subarray(0, 65_536);
      } finally {
        isEnded = true;
      }
    })();
    expect(await codeOf(push(transport, endless))).toBe(code);
    await expect.poll(() => isEnded).toBe(true);
  });

  it('whose pack breaks off moves nothing', async () => {
    const { path, transport } = await target();
    const broken = (async function* () {
      yield pack.subarray(0, 1_500_000);
      throw new Error('the source is gone');
    })();
    await expect(push(transport, broken)).rejects.toThrow();
    expect(await refsOf(path)).toEqual({});
  });
});

describe('a short push', () => {
  it('is sent with its length, whether refused chunked or not', async () => {
    const { server, transport } = await target({ refuseChunked: 411 });
    const receivePack = await ReceivePack.open(transport);
    await receivePack.push([{ ref: 'refs/heads/main', old: null, new: commit }], cut(pack.subarray(0, 5000), [100]));
    expect(server.log.at(-1)?.headers).toMatchObject({ 'content-length': expect.any(String) });
  });
});

describe('a spooled stream', () => {
  it('is read back byte for byte, and removed', async () => {
    const temporary = ownTemporaryFolder();
    const file = await spool(cut(pack, [10_000, 1]), pack.length);
    expect(file.bytes).toBe(pack.length);
    expect((await readAll(file.read())).equals(pack)).toBe(true);
    await file.remove();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('that is too large or breaks off leaves nothing', async () => {
    const temporary = ownTemporaryFolder();
    expect(await codeOf(spool(cut(pack, [10_000]), 100_000))).toBe('spool_limit_exceeded');
    const broken = (async function* () {
      yield pack;
      throw new Error('broken');
    })();
    await expect(spool(broken, 1e9)).rejects.toThrow('broken');
    expect(readdirSync(temporary)).toEqual([]);
  });
});
