import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { errorCatalogue } from '../../lib/core/error-catalogue.ts';
import { startFaultServer } from '../support/fault-server.ts';
import { git } from '../support/git.ts';
import { type LfsEndOptions, lfsScenario, oidOf, pointerTo } from '../support/lfs-scenario.ts';
import type { LfsServerOptions } from '../support/lfs-server.ts';
import { certificates } from '../support/tls.ts';

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
      error: { code: 'lfs_object_missing', message: expect.stringContaining('a.bin') },
      lfs: { failed: 1, failures: [{ path: 'a.bin' }] },
      counts: { created: 1 },
    });
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { scan: 'nothing' } });
    await source.lfs.put(a);
    expect(await sync('--lfs', 'on')).toMatchObject({ outcome: 'success', lfs: { scan: 'everything', moved: 1 } });
    expect(await target.lfs.objects()).toEqual([oidOf(a)]);
  });

  it.each(['sha1', 'sha256'])('that failed are named by their path among many files and folders of a %s repository', async (format) => {
    const { source, target, sync, commit } = await lfsScenario({ format });
    const lines = (folder: number): string => Array.from({ length: 40 }, (_, line) => `folder ${folder} line ${line}\n`).join('');
    const others = (round: number) =>
      Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`src/${index % 10}/${index}.txt`, `${round} ${lines(index)}`]));
    await commit(others(1));
    await commit({ ...others(2), 'src/7/größe/a file.bin': a, 'b.bin': b }, { lost: true });
    await git(source.path, ['repack', '-a', '-d', '-q', '--depth=20', '--window=50']);
    const outcome = await sync();
    expect(Object.fromEntries(outcome.lfs?.failures.map(({ oid, path }) => [oid, path]) ?? [])).toEqual({
      [oidOf(a)]: 'src/7/größe/a file.bin',
      [oidOf(b)]: 'b.bin',
    });
    expect(await git(target.path, ['rev-parse', 'main'])).toBe(await git(source.path, ['rev-parse', 'main']));
  });

  it('that failed stay without a path where the pointer is unusual, or the source does not filter', async () => {
    const unusual = await lfsScenario();
    await unusual.commit({ 'a.bin': pointerTo(a).replace('oid', `ext-0-case sha256:${'0'.repeat(64)}\noid`) });
    const unfiltered = await lfsScenario({ source: { git: { config: ['uploadpack.allowFilter=false'] } } });
    await unfiltered.commit({ 'a.bin': a }, { lost: true });
    for (const { sync } of [unusual, unfiltered])
      expect(await sync()).toMatchObject({
        outcome: 'partial',
        counts: { created: 1 },
        lfs: { failures: [{ oid: oidOf(a), path: null }] },
      });
  });

  it('that the target has and wants to verify are verified', async () => {
    const wantsVerify: LfsServerOptions['alter'] = ({ objects, ...answer }) => ({
      ...answer,
      objects: objects.map(({ oid, size }: { oid: string; size: number }) => ({
        ...{ oid, size },
        actions: { verify: { href: `${target.url}/info/lfs/verify/${oid}` } },
      })),
    });
    const { source, target, sync, commit } = await lfsScenario({ target: { lfs: { alter: wantsVerify } } });
    await target.lfs.put(a);
    await commit({ 'a.bin': a });
    expect(await sync()).toMatchObject({ outcome: 'success' });
    expect(target.lfs.log.filter(({ kind }) => kind === 'verify')).toMatchObject([{ body: { oid: oidOf(a), size: a.length } }]);
    expect(source.lfs.log).toEqual([]);
  });

  it('of a thousand pointers are asked for a hundred at a time, and eight are on their way at once', async () => {
    const contents = Array.from({ length: 1_050 }, (_, index) => Buffer.from(`object ${index}`));
    let [now, most] = [0, 0];
    const counting: Fault = ({ kind }, response) => {
      if (kind !== 'download') return false;
      most = Math.max(most, ++now);
      response.on('close', () => now--);
      return false;
    };
    const { source, target, sync, commit } = await lfsScenario({ source: { lfs: { fault: counting } } });
    await Promise.all(contents.slice(50).map((content) => target.lfs.put(content)));
    await Promise.all(contents.slice(0, 50).map((content) => source.lfs.put(content)));
    await commit(Object.fromEntries(contents.map((content, index) => [`${index}.bin`, pointerTo(content)])));
    expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 50, skipped: 1_000 } });
    const asked = target.lfs.log.filter(({ kind }) => kind === 'batch').map(({ oids }) => oids.length);
    expect([asked.length, Math.max(...asked)]).toEqual([11, 100]);
    expect([most > 1, most <= 8]).toEqual([true, true]);
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

type Answer = Parameters<Fault>[1];

/** What goes wrong with one object: its links' answers, and what batch answers say of it. */
interface Trouble {
  readonly download?: (response: Answer, content: Buffer) => unknown;
  readonly upload?: (response: Answer) => unknown;
  readonly verify?: (response: Answer) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: answers are made absurd
  readonly offered?: (object: any) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly wanted?: (object: any) => unknown;
}

const linked = (object: { actions?: { download?: { href: string } } }, href: string) => ({ ...object, actions: { download: { href } } });

const troubles: Readonly<Record<string, readonly [trouble: Trouble, code: string]>> = {
  'the wrong hash': [{ download: (response, { length }) => response.end(Buffer.alloc(length)) }, 'lfs_object_corrupt'],
  'the wrong size': [{ download: (response) => response.writeHead(200, { 'content-length': 3 }).end('abc') }, 'lfs_object_corrupt'],
  'more bytes': [{ download: (response, content) => response.end(`${content}${content}`) }, 'lfs_object_corrupt'],
  'fewer bytes': [{ download: (response) => response.write('the', () => response.end(' first')) }, 'lfs_transfer_failed'],
  'a download that breaks off': [
    {
      download(response, { length }) {
        response.writeHead(200, { 'content-length': length }).write('the first');
        setImmediate(() => response.destroy());
      },
    },
    'lfs_transfer_failed',
  ],
  'a compressed download': [
    { download: (response, content) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(content) },
    'lfs_transfer_failed',
  ],
  'a download that is gone': [{ download: (response) => response.writeHead(404).end() }, 'lfs_object_missing'],
  'an upload that is refused': [{ upload: (response) => response.writeHead(422).end() }, 'lfs_object_refused'],
  'an upload that is refused midway': [{ upload: (response) => response.destroy() }, 'connection_failed'],
  'a quota that is used up': [{ upload: (response) => response.writeHead(507).end() }, 'lfs_quota_exceeded'],
  'a link to an address that is refused': [{ offered: (object) => linked(object, 'http://169.254.169.254/x') }, 'address_blocked'],
  'an upload link to an address that is refused': [
    { wanted: (object) => ({ ...object, actions: { upload: { href: 'http://10.1.2.3/x' } } }) },
    'address_blocked',
  ],
  'a link that is none': [{ offered: (object) => linked(object, 'file:///etc/passwd') }, 'lfs_protocol_error'],
  'an answer without it': [{ offered: () => [] }, 'lfs_protocol_error'],
  'another size in the answer': [{ wanted: (object) => ({ ...object, size: -1 }) }, 'lfs_protocol_error'],
  'no link in the answer': [{ offered: ({ oid, size }) => ({ oid, size }) }, 'lfs_protocol_error'],
  'other actions than asked for': [
    { wanted: (object) => ({ ...object, actions: { download: object.actions.upload } }) },
    'lfs_protocol_error',
  ],
  'an error beside it': [{ wanted: ({ oid, size }) => ({ oid, size, error: { code: 422, message: 'no' } }) }, 'lfs_object_refused'],
  'a verification that fails': [{ verify: (response) => response.writeHead(422).end() }, 'lfs_object_refused'],
};

it('Each LFS object that cannot be copied is a failure with a code of its own; the others and the refs go on', async () => {
  const contents = new Map(Object.keys(troubles).map((name) => [name, Buffer.from(`an object with ${name}`)]));
  const byOid = new Map([...contents].map(([name, content]) => [oidOf(content), { content, trouble: troubles[name]?.[0] ?? {} }]));
  const fault: Fault = ({ kind, oids }, response, request) => {
    const { content, trouble } = byOid.get(oids[0] ?? '') ?? {};
    if (kind === 'batch' || content === undefined || trouble?.[kind] === undefined) return false;
    request.resume();
    trouble[kind](response, content);
    return true;
  };
  const alter =
    (side: 'offered' | 'wanted'): NonNullable<LfsServerOptions['alter']> =>
    (answer) => ({
      ...answer,
      objects: answer.objects.flatMap((object: { oid: string }) => byOid.get(object.oid)?.trouble[side]?.(object) ?? object),
    });
  const { source, target, sync, commit } = await lfsScenario({
    source: { lfs: { fault, alter: alter('offered') } },
    target: { lfs: { fault, alter: alter('wanted'), verify: true } },
  });
  await commit({ 'b.bin': b, ...Object.fromEntries(contents) });
  const outcome = await sync();
  const codes = new Map(outcome.lfs?.failures.map(({ oid, code }) => [oid, code]));
  expect(Object.fromEntries([...contents].map(([name, content]) => [name, codes.get(oidOf(content))]))).toEqual(
    Object.fromEntries(Object.entries(troubles).map(([name, [, code]]) => [name, code])),
  );
  expect(outcome).toMatchObject({ outcome: 'partial', error: { code: 'lfs_objects_failed' }, counts: { created: 1 }, lfs: { moved: 1 } });
  // The target took nothing that was wrong.
  const verified = oidOf(contents.get('a verification that fails') as Buffer);
  expect(await target.lfs.objects()).toEqual([oidOf(b), verified].sort());
  expect(await git(target.path, ['rev-parse', 'main'])).toBe(await git(source.path, ['rev-parse', 'main']));
  expect(JSON.stringify(outcome)).not.toContain('very-secret');
  // The paths were found out by one more fetch.
  expect(outcome.lfs?.failures.map(({ path }) => path).sort()).toEqual([...contents.keys()].sort());
});

const onBatch =
  (status: number, headers: Record<string, string> = {}): Fault =>
  ({ kind }, response) => {
    if (kind === 'batch')
      response.writeHead(status, { 'content-type': 'application/vnd.git-lfs+json', ...headers }).end('{"message":"no"}');
    return kind === 'batch';
  };
const at = (side: 'source' | 'target', lfs: LfsEndOptions['lfs']): Parameters<typeof lfsScenario>[0] => ({ [side]: { lfs } });

describe('all LFS objects fail, and the refs go on, when', () => {
  it.each<[string, Parameters<typeof lfsScenario>[0], string]>([
    ['the target has no LFS', { target: { withoutLfs: true } }, 'lfs_disabled'],
    ['the source has no LFS', { source: { withoutLfs: true } }, 'lfs_disabled'],
    ['the account may not', at('target', { fault: onBatch(403) }), 'lfs_access_denied'],
    ['the target refuses the whole batch', at('target', { fault: onBatch(422) }), 'lfs_object_refused'],
    ['the host wants a pause longer than a run', at('target', { fault: onBatch(429, { 'retry-after': '3600' }) }), 'lfs_objects_failed'],
    [
      'the answer goes on for ever',
      at('source', { alter: (answer) => ({ ...answer, padding: 'x'.repeat(5_000_000) }) }),
      'lfs_protocol_error',
    ],
  ])('%s', async (_, ends, code) => {
    const { source, target, sync, commit } = await lfsScenario(ends);
    await commit({ 'a.bin': a, 'b.bin': b });
    expect(await sync()).toMatchObject({ outcome: 'partial', error: { code }, counts: { created: 1 }, lfs: { moved: 0, failed: 2 } });
    // A refusal of the whole batch is not asked for twice.
    expect([...source.lfs.log, ...target.lfs.log].filter(({ operation }) => operation === 'upload').length).toBeLessThan(2);
    expect(await git(target.path, ['rev-parse', 'main'])).toBe(await git(source.path, ['rev-parse', 'main']));
  });
});

it('An LFS server with a certificate that nobody vouches for fails its objects with what to do about it, and the refs go on', async () => {
  const safe = await startFaultServer((_, response) => response.end(), certificates.selfSigned);
  onTestFinished(safe.close);
  const { source, target, sync, commit } = await lfsScenario();
  await commit({ 'a.bin': a, 'b.bin': b });
  expect(await sync('--target-lfs-url', `${safe.origin}/lfs`)).toMatchObject({
    outcome: 'partial',
    error: { code: 'lfs_objects_failed', hint: errorCatalogue.tls_certificate_invalid.hint },
    counts: { created: 1 },
    lfs: { moved: 0, failures: Array(2).fill({ code: 'tls_certificate_invalid' }) },
  });
  expect([safe.requests, source.lfs.log]).toEqual([[], []]);
  expect(await git(target.path, ['rev-parse', 'main'])).toBe(await git(source.path, ['rev-parse', 'main']));
});

it('What passes is tried once more: downloads, uploads, expired links, pauses that the host wants, links that are out of date', async () => {
  const [lost, refused, expired] = ['lost', 'refused', 'expired'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
  const first =
    (kind: 'download' | 'upload', content: Buffer, answer: (response: Answer) => unknown): Fault =>
    (exchange, response, request, before) => {
      if (exchange.kind !== kind || exchange.oids[0] !== oidOf(content) || before > 0) return false;
      request.resume();
      answer(response);
      return true;
    };
  const sourceFault: Fault = async (...args) =>
    (await first('download', lost, (response) => response.destroy())(...args)) ||
    first('download', expired, (response) => response.writeHead(403).end())(...args);
  const pause = onBatch(429, { 'retry-after': '0' });
  const targetFault: Fault = async (...args) =>
    (args[3] === 0 && args[0].oids.length > 1 && (await pause(...args))) ||
    first('upload', refused, (response) => response.writeHead(503).end())(...args);
  let answers = 0;
  const stale: NonNullable<LfsServerOptions['alter']> = (answer) => {
    const age = answers++ === 0 ? -10 : 600;
    const aged = ({ actions, ...object }: { actions: { upload: object } }) => ({
      ...object,
      actions: { upload: { ...actions.upload, expires_in: age } },
    });
    return { ...answer, objects: answer.objects.map(aged) };
  };
  const { target, sync, commit } = await lfsScenario({
    source: { lfs: { fault: sourceFault } },
    target: { lfs: { fault: targetFault, alter: stale } },
  });
  await commit({ 'a.bin': a, 'lost.bin': lost, 'refused.bin': refused, 'expired.bin': expired });
  expect(await sync()).toMatchObject({ outcome: 'success', lfs: { moved: 4, failed: 0 } });
  expect(await target.lfs.objects()).toEqual([a, lost, refused, expired].map(oidOf).sort());
  // None of the links that were out of date was used.
  const asked = target.lfs.log.filter(({ kind, oids }) => kind === 'batch' && oids[0] === oidOf(a) && oids.length === 1);
  expect(asked).toHaveLength(1);
});

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
        alter: ({ objects, ...answer }) => ({
          ...answer,
          objects: objects.map((object: object) => ({
            ...object,
            actions: { download: { href: `http://127.0.0.1:${port}/a`, header: { 'X-Signature': 'once' } } },
          })),
        }),
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
