/** The push that begins while LFS pointers are looked for: how far it goes, and what becomes of it. */
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { git } from '../support/git.ts';
import { beginningOf } from '../support/git-http-server.ts';
import { lfsScenario, oidOf } from '../support/lfs-scenario.ts';
import { makePack } from '../support/made-pack.ts';
import { started } from '../support/scenario.ts';
import { syncEnds } from '../support/ssh-sync.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import { sync } from '../support/sync.ts';

/** More than a push over HTTP holds back to know its length. */
const largeBytes = 3_000_000;

/** What targets keep of packs that have no end yet. */
async function bytesUnderWay(repository: string): Promise<number> {
  const objects = join(repository, 'objects');
  const sizes = (await readdir(objects, { recursive: true }))
    .filter((name) => name.includes('incoming') || name.includes('tmp_'))
    .map(async (name) => stat(join(objects, name)).then((found) => (found.isFile() ? found.size : 0)));
  // A file that is gone meanwhile is under way no more.
  return (await Promise.all(sizes.map((size) => size.catch(() => 0)))).reduce((sum, size) => sum + size, 0);
}

/** A source whose answers to looks at pointers wait for `look`, with the name of each request that it is asked for. */
async function scene(
  protocol: 'HTTP' | 'SSH',
  look: (made: Made) => Promise<unknown>,
  { config = [], firstPack }: { readonly config?: readonly string[]; readonly firstPack?: (response: ServerResponse) => void } = {},
) {
  const made = await lfsScenario();
  const asked: string[] = [];
  const server = await started(join(made.folder, 'source'), {
    config,
    async intercept({ isRpc, request, response }) {
      const body = isRpc ? await beginningOf(request) : '';
      if (!body.includes('command=fetch')) return false;
      // Questions about the history are asked before, or when all is done.
      if (body.includes('filter tree:0') || !body.includes('done')) return false;
      const what = body.includes('thin-pack') ? 'pack' : 'look';
      asked.push(what);
      if (what === 'look') await look({ ...made, asked });
      response.on('finish', () => asked.push(`${what} answered`));
      if (what === 'look' || firstPack === undefined || asked.filter((other) => other === what).length > 1) return false;
      request.resume();
      response.on('close', () => asked.push('pack cut off'));
      firstPack(response);
      return true;
    },
  });
  const target = protocol === 'HTTP' ? { url: made.target.url } : await overSsh(made.target.path);
  const lfsUrls = ['--source-lfs-url', `${made.source.url}/info/lfs`, '--target-lfs-url', `${made.target.url}/info/lfs`];
  const run = (...options: string[]) =>
    syncEnds({ url: server.url('repo.git') }, target, ['--allow-address', '127.0.0.0/8', ...lfsUrls, ...options]);
  return { ...made, asked, run };
}

/** A pack whose first object is whole, and whose second never is. */
function goesOnForEver(response: ServerResponse): void {
  const pack = makePack([1, 2].map(() => ({ type: 'blob', content: randomBytes(largeBytes) })));
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).write(encodePkt('packfile\n'));
  // Some of the second is kept back on the way, as the end of the pack may be.
  for (let at = 0; at < largeBytes * 1.5; at += 50_000)
    response.write(encodePkt(Buffer.concat([Buffer.from([1]), pack.subarray(at, at + 50_000)])));
}

type Made = Awaited<ReturnType<typeof lfsScenario>> & { readonly asked: readonly string[] };

async function overSsh(path: string) {
  const server = await startSshTestServer({ methods: ['none'] });
  onTestFinished(server.close);
  return { url: server.url(path), hostKeys: server.hostKeys };
}

/** For a target that has all of a push, to move its refs: what is seen after that would not be there otherwise. */
const longEnoughForATarget = () => new Promise((resolve) => setTimeout(resolve, 700));

const never = () => new Promise<never>(() => {});

const refsOf = (repository: string): Promise<string> => git(repository, ['for-each-ref', '--format=%(refname) %(objectname)']);

describe.each(['HTTP', 'SSH'] as const)('a large push to %s', (protocol) => {
  it('is all there but its end when the look finds nothing', async () => {
    const seen: string[] = [];
    const { run, commit, source, target } = await scene(protocol, async ({ asked }) => {
      await expect.poll(() => asked, { timeout: 10_000 }).toContain('pack answered');
      await expect.poll(() => bytesUnderWay(target.path), { timeout: 10_000 }).toBeGreaterThan(largeBytes / 2);
      await longEnoughForATarget();
      seen.push(await refsOf(target.path));
    });
    await commit({ 'a.bin': randomBytes(largeBytes).toString('base64') });
    expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 1 }, lfs: { scan: 'new', moved: 0 } });
    expect(seen).toEqual(['']);
    expect(await refsOf(target.path)).toBe(await refsOf(source.path));
    await git(target.path, ['fsck', '--strict']);
  });

  it('is given up and made anew, after the objects, when the look finds any', async () => {
    const { run, commit, source, target, asked } = await scene(protocol, async () => {
      await expect.poll(() => bytesUnderWay(target.path), { timeout: 10_000 }).toBeGreaterThan(largeBytes / 2);
    });
    const large = Buffer.from('large');
    await commit({ 'a.bin': randomBytes(largeBytes).toString('base64'), 'b.bin': large });
    const outcome = await run();
    expect(outcome).toMatchObject({ outcome: 'success', error: null, counts: { created: 1 }, lfs: { scan: 'new', moved: 1 } });
    expect(outcome.bytes).toBeGreaterThan(largeBytes * 1.5);
    expect(asked.filter((what) => what === 'pack')).toHaveLength(2);
    expect(await target.lfs.objects()).toEqual([oidOf(large)]);
    expect(await refsOf(target.path)).toBe(await refsOf(source.path));
    await git(target.path, ['fsck', '--strict']);
    await expect.poll(() => bytesUnderWay(target.path)).toBe(0);
  });

  it('is cut off from a source that goes on for ever, and ended in order, when the look finds any', async () => {
    const atLook = ({ target }: Made) => expect.poll(() => bytesUnderWay(target.path), { timeout: 10_000 }).toBeGreaterThan(largeBytes / 2);
    const { run, commit, target, asked } = await scene(protocol, atLook, { firstPack: goesOnForEver });
    await commit({ 'b.bin': Buffer.from('large') });
    expect(await run('--timeout', '60')).toMatchObject({ outcome: 'success', counts: { created: 1 }, lfs: { moved: 1 } });
    expect(asked.indexOf('pack cut off')).toBeLessThan(asked.lastIndexOf('pack'));
    await expect.poll(() => bytesUnderWay(target.path)).toBe(0);
  });

  it('is given up when the look ends the run', async () => {
    const { run, commit, target } = await scene(protocol, never);
    await commit({ 'a.bin': randomBytes(largeBytes).toString('base64') });
    expect(await run('--timeout', '1')).toMatchObject({ outcome: 'failed', error: { code: 'deadline_exceeded' } });
    expect(await refsOf(target.path)).toBe('');
  });
});

describe('a small push', () => {
  it('is asked for while pointers are looked for', async () => {
    const { run, commit, asked } = await scene('HTTP', async ({ asked }) => expect.poll(() => asked).toContain('pack'));
    await commit({ 'a.txt': 'no pointer' });
    expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 1 }, lfs: { scan: 'new', moved: 0 } });
    expect(asked.filter((what) => what === 'pack')).toHaveLength(1);
  });

  it('does not reach a target over HTTP before the look has found nothing', async () => {
    const { run, commit, target } = await scene('HTTP', async ({ asked }) => expect.poll(() => asked).toContain('pack answered'));
    await commit({ 'b.bin': Buffer.from('large') });
    expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 1 }, lfs: { moved: 1 } });
    expect(target.server.log.filter(({ method, service }) => method === 'POST' && service === 'git-receive-pack')).toHaveLength(1);
  });

  it.each<[string, string[], string[]]>([
    ['the source has no filter: the look is as long as the pack', ['uploadpack.allowFilter=false'], []],
    ['somebody asked for LFS objects', [], ['--lfs', 'on']],
  ])('is asked for after the look where %s', async (_, config, options) => {
    const { run, commit, asked } = await scene('HTTP', async () => {}, { config });
    await commit({ 'a.txt': 'no pointer' });
    expect(await run(...options)).toMatchObject({ outcome: 'success', lfs: { moved: 0 } });
    expect(asked.slice(0, 3)).toEqual(['look', 'look answered', 'pack']);
  });

  it('waits for nothing any more when the look has ended the run', async () => {
    const { run, commit } = await scene('HTTP', never);
    await commit({ 'a.txt': 'no pointer' });
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    expect(await run('--timeout', '1')).toMatchObject({ outcome: 'failed', error: { code: 'deadline_exceeded' } });
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('is given up also where the source has not yet answered', async () => {
    const look = async ({ asked }: Made) => expect.poll(() => asked).toContain('pack');
    const { run, commit, asked } = await scene('HTTP', look, { firstPack: () => {} });
    await commit({ 'b.bin': Buffer.from('large') });
    expect(await run('--timeout', '60')).toMatchObject({ outcome: 'success', counts: { created: 1 }, lfs: { moved: 1 } });
    expect(asked.indexOf('pack cut off')).toBeLessThan(asked.lastIndexOf('pack'));
  });

  it('of deletions alone waits for the look', async () => {
    const seen: string[] = [];
    const { run, commit, source, target } = await scene('HTTP', async () => {
      await longEnoughForATarget();
      seen.push(await refsOf(target.path));
    });
    await commit({ 'a.txt': 'one' });
    await git(source.path, ['branch', 'a', 'main']);
    expect(await run('--lfs', 'off')).toMatchObject({ counts: { created: 2 } });
    await git(source.path, ['branch', '--delete', '--force', 'a']);
    await commit({ 'a.txt': 'two' });
    await git(source.path, ['branch', 'a/b', 'main']);
    expect(await run()).toMatchObject({ outcome: 'success', counts: { deleted: 1, updated: 1, created: 1 } });
    expect(seen).toEqual([expect.stringContaining('refs/heads/a ')]);
    expect(await refsOf(target.path)).toBe(await refsOf(source.path));
  });
});

it.each([
  [429, 2, { outcome: 'success', error: null, counts: { created: 1 } }],
  [503, 2, { outcome: 'success', error: null, counts: { created: 1 } }],
  [403, 1, { outcome: 'failed', error: { code: 'permission_denied' } }],
])('A source that answers %i to two requests at once is asked for the pack so many times: %i', async (status, packs, expected) => {
  const made = await lfsScenario();
  const asked: string[] = [];
  const server = await started(join(made.folder, 'source'), {
    async intercept({ isRpc, request, response }) {
      const body = isRpc ? await beginningOf(request) : '';
      if (!body.includes('command=fetch')) return false;
      const what = body.includes('thin-pack') ? 'pack' : 'look';
      const isBusy = what === 'pack' && !asked.includes('pack');
      asked.push(what);
      if (isBusy) {
        request.resume();
        response.writeHead(status).end('one request at a time');
      } else if (what === 'look') await expect.poll(() => asked).toContain('pack');
      return isBusy;
    },
  });
  await made.commit({ 'a.txt': 'no pointer' });
  const outcome = await sync(server.url('repo.git'), made.target.url);
  expect(outcome).toMatchObject({ ...expected, lfs: { scan: 'new' } });
  expect(asked.filter((what) => what === 'pack')).toHaveLength(packs);
});

describe.each([411, 'hangs up'] as const)('A target that refuses chunks (%s)', (how) => {
  it.each([0, 1])('gets one push with its length when the look finds %i pointers', async (pointers) => {
    const made = await lfsScenario();
    const lengths: (string | undefined)[] = [];
    const target = await started(join(made.folder, 'target'), {
      intercept({ request, response, isRpc }) {
        if (!isRpc) return false;
        lengths.push(request.headers['content-length']);
        if (request.headers['transfer-encoding'] === undefined) return false;
        if (how === 'hangs up') request.socket.destroy();
        else response.writeHead(how).end();
        request.resume();
        return true;
      },
    });
    const large = Buffer.from('large');
    await made.commit({ 'a.bin': randomBytes(largeBytes / 2).toString('base64'), ...(pointers === 0 ? {} : { 'b.bin': large }) });
    const outcome = await sync(made.source.url, target.url('repo.git'), ['--target-lfs-url', `${made.target.url}/info/lfs`]);
    expect(outcome).toMatchObject({ outcome: 'success', error: null, counts: { created: 1 }, lfs: { scan: 'new', moved: pointers } });
    expect(lengths.filter((length) => length !== undefined)).toHaveLength(1);
    expect(lengths.length).toBeLessThanOrEqual(3);
    expect(await refsOf(made.target.path)).toBe(await refsOf(made.source.path));
  });
});

it.each([
  ['git/2.39.5', true],
  ['other/1', false],
])('The pack for a target that names itself %s is asked for while pointers are looked for: %j', async (agent, isEarly) => {
  const { folder, target, commit } = await lfsScenario();
  const asked: string[] = [];
  const source = await started(join(folder, 'source'), {
    async intercept({ isRpc, request, response }) {
      const body = isRpc ? await beginningOf(request) : '';
      if (!body.includes('command=fetch')) return false;
      const what = body.includes('thin-pack') ? 'pack' : 'look';
      asked.push(what);
      response.on('finish', () => asked.push(`${what} answered`));
      // Time enough for what must not come.
      if (what === 'look') await (isEarly ? expect.poll(() => asked, { timeout: 10_000 }).toContain('pack') : wait(300));
      return false;
    },
  });
  const refs = `${'0'.repeat(40)} capabilities^{}\0report-status agent=${agent}\n`;
  const other = await started(join(folder, 'target'), {
    async intercept({ isRpc, service, response }) {
      if (isRpc || service !== 'git-receive-pack') return false;
      const head = Buffer.concat([encodePkt(`# service=${service}\n`), flushPkt, encodePkt(refs), flushPkt]);
      response.writeHead(200, { 'content-type': `application/x-${service}-advertisement` }).end(head);
      return true;
    },
  });
  await commit({ 'a.txt': 'no pointer' });
  expect(await sync(source.url('repo.git'), other.url('repo.git'))).toMatchObject({ outcome: 'success', counts: { created: 1 } });
  expect(asked.slice(0, 2).toSorted()).toEqual(isEarly ? ['look', 'pack'] : ['look', 'look answered']);
  expect(await refsOf(target.path)).toContain('refs/heads/main');
});
