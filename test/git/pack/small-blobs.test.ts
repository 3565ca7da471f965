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
