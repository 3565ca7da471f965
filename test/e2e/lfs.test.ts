import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { git } from '../support/git.ts';
import { type LfsEndOptions, lfsScenario, oidOf, pointerTo } from '../support/lfs-scenario.ts';
import type { LfsServerOptions } from '../support/lfs-server.ts';

const a = Buffer.from('the first large file');
const b = Buffer.alloc(300_000, 'b');
const c = Buffer.from('the third');

type Fault = NonNullable<LfsServerOptions['fault']>;

describe('LFS objects', () => {
  it('go before the refs, each once, and an incremental run asks for what is new alone', async () => {
    const { source, target, sync, commit } = await lfsScenario();
    await commit({ 'a.bin': a, 'b.bin': b, 'copy-of-a.bin': a, 'readme.md': 'version https://git-lfs is what a pointer begins with' });
    const first = await sync();
    expect(first).toMatchObject({ outcome: 'success', lfs: { moved: 2, skipped: 0, failed: 0, bytes: a.length + b.length } });
    expect(await target.lfs.objects()).toEqual(await source.lfs.objects());
    // The refs came when the objects were there.
    const pushed = target.server.log.findIndex(({ url, method }) => method === 'POST' && url.endsWith('git-receive-pack'));
    expect(target.server.log.findLastIndex(({ url }) => url.includes('/info/lfs/'))).toBeLessThan(pushed);

    await commit({ 'c.bin': c });
    source.lfs.log.length = 0;
    target.lfs.log.length = 0;
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { scan: 'new', moved: 1 } });
    const asked = [...source.lfs.log, ...target.lfs.log].filter(({ kind }) => kind === 'batch');
    expect(asked.map(({ oids }) => oids)).toEqual([[oidOf(c)], [oidOf(c)]]);
    expect(asked[0]?.body).toMatchObject({ transfers: ['basic'], hash_algo: 'sha256', ref: { name: 'refs/heads/main' } });
    expect(asked[0]?.headers).toMatchObject({ accept: 'application/vnd.git-lfs+json', 'content-type': 'application/vnd.git-lfs+json' });
  });

  it('cost a repository without any one request more, and with `off` none', async () => {
    const requests = async (...options: string[]): Promise<number> => {
      const { source, target, sync, commit } = await lfsScenario();
      await commit({ 'readme.md': 'hello', '.gitattributes': '*.md text' });
      expect(await sync(...options)).toMatchObject({ outcome: 'success' });
      expect([...source.lfs.log, ...target.lfs.log]).toEqual([]);
      return source.server.log.length + target.server.log.length;
    };
    expect((await requests()) - (await requests('--lfs', 'off'))).toBe(1);
  });

  it('that were lost are found by `on`, whatever the target has of the history', async () => {
    const { source, target, sync, commit } = await lfsScenario();
    await commit({ 'a.bin': a }, { lost: true });
    expect(await sync()).toMatchObject({
      outcome: 'partial',
      error: { code: 'lfs_object_missing' },
      lfs: { failed: 1 },
      counts: { created: 1 },
    });
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { scan: 'nothing' } });
    await source.lfs.put(a);
    expect(await sync('--lfs', 'on')).toMatchObject({ outcome: 'success', lfs: { scan: 'everything', moved: 1 } });
    expect(await target.lfs.objects()).toEqual([oidOf(a)]);
  });

  it('of thousands of pointers are asked for a hundred at a time', async () => {
    const contents = Array.from({ length: 2_050 }, (_, index) => Buffer.from(`object ${index}`));
    const { source, target, sync, commit } = await lfsScenario();
    await Promise.all(contents.slice(5).map((content) => target.lfs.put(content)));
    await Promise.all(contents.slice(0, 5).map((content) => source.lfs.put(content)));
    await commit(Object.fromEntries(contents.map((content, index) => [`${index}.bin`, pointerTo(content)])));
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 5, skipped: 2_045 } });
    const asked = target.lfs.log.filter(({ kind }) => kind === 'batch').map(({ oids }) => oids.length);
    expect([asked.length, Math.max(...asked)]).toEqual([21, 100]);
  });

  it('are asked for in halves where a batch is too large for the host', async () => {
    const tooMany: Fault = ({ kind, oids }, response) => kind === 'batch' && oids.length > 1 && !!response.writeHead(413).end();
    const { target, sync, commit } = await lfsScenario({ source: { lfs: { fault: tooMany } }, target: { lfs: { fault: tooMany } } });
    await commit({ 'a.bin': a, 'b.bin': b, 'c.bin': c });
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 3 } });
    expect(await target.lfs.objects()).toHaveLength(3);
  });

  it.each(['uploadpackfilter.combine.allow=false', 'uploadpack.allowFilter=false'])(
    'are found where the source has %s',
    async (setting) => {
      const { target, sync, commit } = await lfsScenario({ source: { git: { config: [setting] } } });
      await commit({ 'a.bin': a, 'long.txt': 'x\n'.repeat(50_000) });
      expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 1 } });
      expect(await target.lfs.objects()).toEqual([oidOf(a)]);
    },
  );

  it('with extensions in their pointer, and of 0 bytes, are moved as well', async () => {
    const empty = Buffer.alloc(0);
    const { target, sync, source, commit } = await lfsScenario();
    await source.lfs.put(a);
    const extended = pointerTo(a).replace('oid', `ext-0-case sha256:${'0'.repeat(64)}\noid`);
    await commit({ 'a.bin': extended, 'empty.bin': pointerTo(empty) });
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 2 } });
    expect(await target.lfs.objects()).toEqual([oidOf(a), oidOf(empty)].sort());
  });
});

/** Answers the download of `a` in its own way. */
const onDownload =
  (answer: (response: Parameters<Fault>[1], before: number) => void): Fault =>
  ({ kind, oids }, response, _, before) => {
    if (kind !== 'download' || oids[0] !== oidOf(a)) return false;
    answer(response, before);
    return true;
  };
const onUpload =
  (answer: (response: Parameters<Fault>[1], before: number) => void): Fault =>
  ({ kind, oids }, response, request, before) => {
    if (kind !== 'upload' || oids[0] !== oidOf(a)) return false;
    request.resume();
    answer(response, before);
    return true;
  };
const onBatch =
  (status: number, headers: Record<string, string> = {}): Fault =>
  ({ kind }, response) => {
    if (kind === 'batch')
      response.writeHead(status, { 'content-type': 'application/vnd.git-lfs+json', ...headers }).end('{"message":"no"}');
    return kind === 'batch';
  };
/** Changes what the batch answer says of `a`. */
const saying =
  // biome-ignore lint/suspicious/noExplicitAny: answers are made absurd
    (change: (object: any) => unknown): NonNullable<LfsServerOptions['alter']> =>
    (answer) => ({
      ...answer,
      objects: answer.objects.flatMap((object: { oid: string }) => (object.oid === oidOf(a) ? (change(object) ?? []) : object)),
    });
const at = (side: 'source' | 'target', lfs: LfsEndOptions['lfs']): Parameters<typeof lfsScenario>[0] => ({ [side]: { lfs } });

describe('an LFS object is a failure with a code, the others and the refs go on, with', () => {
  it.each<[string, Parameters<typeof lfsScenario>[0], string]>([
    ['the wrong hash', at('source', { fault: onDownload((response) => response.end(Buffer.alloc(a.length))) }), 'lfs_object_corrupt'],
    [
      'the wrong size',
      at('source', { fault: onDownload((response) => response.writeHead(200, { 'content-length': 3 }).end('abc')) }),
      'lfs_object_corrupt',
    ],
    ['more bytes than it should have', at('source', { fault: onDownload((response) => response.end(`${a}${a}`)) }), 'lfs_object_corrupt'],
    [
      'fewer bytes than it should have',
      at('source', { fault: onDownload((response) => void response.write('the', () => response.end(' first'))) }),
      'lfs_transfer_failed',
    ],
    [
      'a download that breaks off',
      at('source', {
        fault: onDownload((response) => {
          response.writeHead(200, { 'content-length': a.length }).write('the first');
          setImmediate(() => response.destroy());
        }),
      }),
      'lfs_transfer_failed',
    ],
    ['a download that is gone', at('source', { fault: onDownload((response) => response.writeHead(404).end()) }), 'lfs_object_missing'],
    ['an upload that is refused', at('target', { fault: onUpload((response) => response.writeHead(422).end()) }), 'lfs_object_refused'],
    ['an upload that is refused midway', at('target', { fault: onUpload((response) => response.destroy()) }), 'connection_failed'],
    ['a quota that is used up', at('target', { fault: onUpload((response) => response.writeHead(507).end()) }), 'lfs_quota_exceeded'],
    [
      'a link to an address that is refused',
      at('source', { alter: saying((object) => linked(object, 'http://169.254.169.254/x')) }),
      'address_blocked',
    ],
    ['a link that is none', at('source', { alter: saying((object) => linked(object, 'file:///etc/passwd')) }), 'lfs_protocol_error'],
    ['an answer without it', at('source', { alter: saying(() => undefined) }), 'lfs_protocol_error'],
    ['another size in the answer', at('target', { alter: saying((object) => ({ ...object, size: -1 })) }), 'lfs_protocol_error'],
    ['no link in the answer', at('source', { alter: saying(({ oid, size }) => ({ oid, size })) }), 'lfs_protocol_error'],
    [
      'other actions than asked for',
      at('target', { alter: saying((object) => ({ ...object, actions: { download: object.actions.upload } })) }),
      'lfs_protocol_error',
    ],
    [
      'an error beside it',
      at('target', { alter: saying(({ oid, size }) => ({ oid, size, error: { code: 422, message: 'no' } })) }),
      'lfs_object_refused',
    ],
    [
      'a verification that fails',
      at('target', { verify: true, fault: ({ kind }, response) => kind === 'verify' && !!response.writeHead(422).end() }),
      'lfs_object_refused',
    ],
  ])('%s', async (_, ends, code) => {
    const { target, sync, commit, source } = await lfsScenario(ends);
    await commit({ 'a.bin': a, 'b.bin': b });
    const outcome = await sync();
    expect(outcome).toMatchObject({ outcome: 'partial', counts: { created: 1 } });
    expect(outcome.lfs?.failures).toContainEqual(expect.objectContaining({ oid: oidOf(a), size: a.length, code }));
    if (code !== 'lfs_object_refused' || outcome.lfs?.failed === 1) expect(await target.lfs.objects()).toEqual([oidOf(b)]);
    expect(await git(target.path, ['rev-parse', 'main'])).toBe(await git(source.path, ['rev-parse', 'main']));
    expect(JSON.stringify(outcome)).not.toContain('very-secret');
  });
});

function linked(object: { actions?: { download?: { href: string } } }, href: string): unknown {
  return { ...object, actions: { download: { href } } };
}

describe('all LFS objects fail, and the refs go on, when', () => {
  it.each<[string, Parameters<typeof lfsScenario>[0], string]>([
    ['the target has no LFS', { target: { withoutLfs: true } }, 'lfs_disabled'],
    ['the source has no LFS', { source: { withoutLfs: true } }, 'lfs_disabled'],
    ['LFS is switched off at the target', at('target', { fault: onBatch(501) }), 'lfs_disabled'],
    ['the account may not', at('target', { fault: onBatch(403) }), 'lfs_access_denied'],
    ['the quota is used up', at('target', { fault: onBatch(507) }), 'lfs_quota_exceeded'],
    ['the host wants a pause longer than a run', at('target', { fault: onBatch(429, { 'retry-after': '3600' }) }), 'lfs_objects_failed'],
    ['the answer is no JSON', at('target', { alter: () => 'nonsense' }), 'lfs_protocol_error'],
    ['the answer is for another transfer', at('source', { alter: (answer) => ({ ...answer, transfer: 'tus' }) }), 'lfs_protocol_error'],
    [
      'the answer goes on for ever',
      at('source', { alter: (answer) => ({ ...answer, padding: 'x'.repeat(5_000_000) }) }),
      'lfs_protocol_error',
    ],
  ])('%s', async (_, ends, code) => {
    const { source, target, sync, commit } = await lfsScenario(ends);
    await commit({ 'a.bin': a, 'b.bin': b });
    expect(await sync()).toMatchObject({ outcome: 'partial', error: { code }, counts: { created: 1 }, lfs: { moved: 0, failed: 2 } });
    expect(await git(target.path, ['rev-parse', 'main'])).toBe(await git(source.path, ['rev-parse', 'main']));
  });
});

describe('what passes is tried once more', () => {
  it.each<[string, Parameters<typeof lfsScenario>[0]]>([
    ['a download that breaks off once', at('source', { fault: onceFor(onDownload((response) => response.destroy())) })],
    ['an upload that fails once', at('target', { fault: onceFor(onUpload((response) => response.writeHead(503).end())) })],
    ['a link that has expired', at('source', { fault: onceFor(onDownload((response) => response.writeHead(403).end())) })],
    ['a host that wants a pause', at('target', { fault: onceFor(onBatch(429, { 'retry-after': '0' })) })],
    ['links that are out of date when they come', at('target', { alter: onceStale() })],
  ])('%s', async (_, ends) => {
    const { target, sync, commit } = await lfsScenario(ends);
    await commit({ 'a.bin': a, 'b.bin': b });
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 2, failed: 0 } });
    expect(await target.lfs.objects()).toEqual([oidOf(a), oidOf(b)].sort());
  });
});

function onceFor(fault: Fault): Fault {
  let isDone = false;
  return async (...args) => {
    if (isDone) return false;
    isDone = await fault(...args);
    return isDone;
  };
}

function onceStale(): NonNullable<LfsServerOptions['alter']> {
  let before = 0;
  return (answer) => {
    const age = before++ === 0 ? -10 : 600;
    return {
      ...answer,
      objects: answer.objects.map((object: { actions: { upload: object } }) => ({
        ...object,
        actions: { upload: { ...object.actions.upload, expires_in: age } },
      })),
    };
  };
}

it('A link on another host gets what the link brings, and no credentials of ours', async () => {
  const seen: string[] = [];
  const elsewhere = createServer((request, response) => {
    seen.push(JSON.stringify(request.headers));
    response.end(a);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => elsewhere.close(() => resolve())));
  const { port } = elsewhere.address() as AddressInfo;
  const basic = { username: 'ada', password: 'hunter22' };
  const { source, target, commit } = await lfsScenario({
    source: {
      git: { basic },
      lfs: {
        basic,
        alter: saying((object) => ({
          ...object,
          actions: { download: { href: `http://127.0.0.1:${port}/a`, header: { 'X-Signature': 'once' } } },
        })),
      },
    },
  });
  await commit({ 'a.bin': a });
  const { sync } = await import('../support/sync.ts');
  expect(await sync(source.server.url('repo.git', 'ada:hunter22'), target.url)).toMatchObject({ outcome: 'success', lfs: { moved: 1 } });
  expect(seen).toHaveLength(1);
  expect(seen[0]).toContain('"x-signature":"once"');
  expect(seen[0]).not.toMatch(/authorization|hunter22/i);
});
