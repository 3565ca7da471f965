import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitferryError } from '../../../lib/core/errors.ts';
import { openPack } from '../../../lib/git/pack/incoming-pack.ts';
import { readSmallBlobs } from '../../../lib/git/pack/small-blobs.ts';
import { git, temporaryFolder } from '../../support/git.ts';
import { copyingDelta, insertingDelta, type MadeEntry, makePack as madePack, oidOf } from '../../support/made-pack.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** Per object format: a pack of everything, and the small blobs in it by `git cat-file`. */
const packs = new Map<string, { readonly pack: Buffer; readonly small: readonly string[] }>();

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const format of ['sha1', 'sha256']) packs.set(format, await makePack(join(folder.path, format), format));
});
afterAll(() => folder.remove());

async function makePack(path: string, format: string) {
  await git('/', ['init', '--quiet', '--bare', `--object-format=${format}`, path]);
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index} ${createHash('md5').update(String(index)).digest('hex')}\n`);
  const oids: string[] = [];
  for (let index = 0; index < 60; index++) {
    // Versions of a text around the limit, which become deltas of each other; and a large one that nothing compresses.
    const text = `${lines.slice(0, 1 + (index % 40)).join('')}version ${index}\n`;
    await writeFile(join(folder.path, 'blob'), index === 7 ? randomBytes(200_000) : text);
    oids.push(await git(path, ['hash-object', '-w', join(folder.path, 'blob')]));
  }
  oids.push(await git(path, ['hash-object', '-w', '--stdin'], { input: '' }));
  const tree = await git(path, ['mktree'], { input: oids.map((oid, index) => `100644 blob ${oid}\tf${index}\n`).join('') });
  const commit = await git(path, ['commit-tree', tree, '-m', 'all']);
  await git(path, ['update-ref', 'refs/heads/main', commit]);
  const sizes = await git(path, ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype) %(objectsize) %(objectname)']);
  const small = sizes.split('\n').flatMap((line) => {
    const [type, size, oid = ''] = line.split(' ');
    return type === 'blob' && Number(size) < 1024 ? [oid] : [];
  });
  const pack = await new Promise<Buffer>((resolve, reject) => {
    const child = execFile(
      'git',
      ['pack-objects', '--all', '--stdout', '-q', '--delta-base-offset'],
      { cwd: path, encoding: 'buffer', maxBuffer: 1 << 26 },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
    child.stdin?.end();
  });
  return { pack, small: small.sort() };
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size: number, format: 'sha1' | 'sha256' = 'sha1') {
  const names: string[] = [];
  const onBlob = (content: Uint8Array) => names.push(createHash(format).update(`blob ${content.length}\0`).update(content).digest('hex'));
  const result = await readSmallBlobs(await openPack(pieces(bytes, size), format), { format, belowBytes: 1024, mark: 'line', onBlob });
  return { names: names.sort(), ...result };
}

describe('the small blobs of a pack', () => {
  it.each(['sha1', 'sha256'] as const)('are those that git names, deltas and all, in %s', async (format) => {
    const { pack, small } = packs.get(format)!;
    expect(small.length).toBeGreaterThan(20);
    expect(await read(pack, 65_536, format)).toEqual({ names: small, unread: 0 });
  });

  it('are the same however the pack comes', async () => {
    const { pack, small } = packs.get('sha1')!;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 40, max: 70_000 }), async (size) => {
        expect((await read(pack, size)).names).toEqual(small);
      }),
      { numRuns: 8 },
    );
  });

  it('are not looked for in a damaged pack: that throws by code', async () => {
    const { pack } = packs.get('sha1')!;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 12, max: pack.length - 21 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(pack);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        const error: unknown = await read(damaged, 4096).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(GitferryError);
        expect((error as GitferryError).code).toMatch(/^pack_(corrupt|truncated)$/);
      }),
      { numRuns: 30 },
    );
  });
});

/** What is given out of a pack of these, and how many may be missing. */
async function readMade(entries: readonly MadeEntry[]) {
  const texts: string[] = [];
  const onBlob = (content: Uint8Array) => texts.push(Buffer.from(content).toString());
  const options = { format: 'sha1', belowBytes: 1024, mark: 'MARK', onBlob } as const;
  const { unread } = await readSmallBlobs(await openPack(pieces(madePack(entries), 65_536), 'sha1'), options);
  return { texts, unread };
}

const blobOf = (text: string): MadeEntry => ({ type: 'blob', content: Buffer.from(text) });

describe('a delta in a pack', () => {
  it('finds its base by name, also one that is itself a delta by name, and came after the first of them', async () => {
    const named = (base: string, text: string): MadeEntry => ({
      type: 'ref-delta',
      baseName: oidOf('blob', Buffer.from(base)),
      content: insertingDelta(base.length, text),
    });
    const entries = [blobOf('first'), named('first', 'second'), named('second', 'third'), blobOf('fourth'), named('fourth', 'fifth')];
    expect(await readMade(entries)).toEqual({ texts: ['first', 'second', 'third', 'fourth', 'fifth'], unread: 0 });
  });

  const large = 40_000;
  const unmarked = blobOf('x'.repeat(large));
  const on = (base: number, content: Buffer): MadeEntry => ({ type: 'ofs-delta', base, content });
  const part = (baseBytes: number): Buffer => copyingDelta(baseBytes, 100, 1);
  const longDelta = (baseBytes: number): Buffer => copyingDelta(baseBytes, 3, 12_000);
  // More than is kept of them.
  const filler = { type: 'blob', content: Buffer.alloc(16_000) } as const;
  const fillers = Array.from({ length: 2_100 }, () => filler);

  it.each<[string, readonly MadeEntry[], number]>([
    ['brings the mark itself', [unmarked, on(0, insertingDelta(large, 'a MARK'))], 1],
    ['brings no mark to a blob', [unmarked, on(0, insertingDelta(large, 'nothing'))], 0],
    ['makes a large blob', [unmarked, on(0, Buffer.concat([copyingDelta(large, 3, 400), Buffer.from('\u0004MARK')]))], 0],
    [
      'is of a delta that brought the mark',
      [unmarked, on(0, Buffer.concat([copyingDelta(large, 3, 400), Buffer.from('\u0004MARK')])), on(1, part(1_200))],
      1,
    ],
    ['is of a delta that brought none', [unmarked, on(0, copyingDelta(large, 3, 400)), on(1, part(1_200))], 0],
    [
      'is of a delta that is too long to be read, of one that brought the mark',
      [
        unmarked,
        on(0, Buffer.concat([copyingDelta(large, 3, 400), Buffer.from('\u0004MARK')])),
        on(1, longDelta(1_200)),
        on(2, part(36_000)),
      ],
      1,
    ],
    ['is of a delta that is too long to be read, of one without', [unmarked, on(0, longDelta(large)), on(1, part(36_000))], 0],
    ['is of a blob with the mark that was let go', [blobOf('MARK'.repeat(300)), ...fillers, on(0, part(1_200))], 1],
    ['is of a blob without that was let go', [blobOf('none'.repeat(300)), ...fillers, on(0, part(1_200))], 0],
    ['is of a blob that the pack lacks', [{ type: 'ref-delta', baseName: 'ab'.repeat(20), content: part(1_200) }], 1],
    ['is of a large blob with the mark', [blobOf(`${'x'.repeat(16_382)}MARK${'x'.repeat(large)}`), on(0, part(large + 16_386))], 1],
    ['is of a large blob without', [unmarked, on(0, part(large))], 0],
    [
      'is of a delta that is too long to be read, and brings the mark',
      [unmarked, on(0, Buffer.concat([longDelta(large), Buffer.from('\u0004MARK')])), on(1, part(36_004))],
      1,
    ],
    ['is of a tree', [{ type: 'tree', content: Buffer.from('MARK'.repeat(300)) }, on(0, part(1_200))], 0],
  ])('that cannot be put together counts if it may be of interest: it %s', async (_, entries, unread) => {
    expect(await readMade(entries)).toEqual({ texts: [], unread });
  });
});
