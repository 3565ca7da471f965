import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openPack } from '../../../lib/git/pack/incoming-pack.ts';
import { type PackEntry, readPackEntries } from '../../../lib/git/pack/pack-entries.ts';
import { type MadeEntry, makePack } from '../../support/made-pack.ts';

const smallBytes = 100;

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(pack: Uint8Array, size = 4096): Promise<PackEntry[]> {
  const entries: PackEntry[] = [];
  const onEntry = (entry: PackEntry) =>
    entries.push({ ...entry, content: entry.content === undefined ? undefined : Buffer.from(entry.content) });
  await readPackEntries(await openPack(pieces(pack, size), 'sha1'), { format: 'sha1', maxBytes: () => smallBytes, onEntry });
  return entries;
}

/** With the right checksum of what it now is. */
function resealed(pack: Buffer, change: (body: Buffer) => Buffer): Buffer {
  const body = change(Buffer.from(pack.subarray(0, -20)));
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 2 * smallBytes, size: 'max' }),
  // Large ones that compress well, and such that do not.
  fc.integer({ min: 0, max: 300_000 }).map((length) => Buffer.alloc(length, 'x')),
  fc.integer({ min: 0, max: 20_000 }).map((length) => Buffer.from(Array.from({ length }, (_, at) => (at * at * 31 + at) & 0xff))),
);
const entry = fc.record({ type: fc.constantFrom('commit', 'tree', 'blob', 'tag'), content }).map(({ type, content: bytes }) => ({
  type,
  content: Buffer.from(bytes),
}));

describe('the entries of a pack', () => {
  it('come in its order, with the content of those that are small, in whatever pieces the pack comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 70_000 }), async (made, size) => {
        const entries = await read(makePack(made), size);
        expect(entries.map(({ type, bytes, content: held }) => [type, bytes, held?.toString('hex')])).toEqual(
          made.map(({ type, content: bytes }) => [type, bytes.length, bytes.length > smallBytes ? undefined : bytes.toString('hex')]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('name the bases of deltas by place or by name, near and far', async () => {
    const filler = Array.from({ length: 40 }, (_, index) => ({
      type: 'blob' as const,
      content: Buffer.from(Array.from({ length: 1000 }, (_, at) => createHash('md5').update(`${index} ${at}`).digest()[0] ?? 0)),
    }));
    const made: MadeEntry[] = [
      { type: 'blob', content: Buffer.from('base') },
      { type: 'ofs-delta', content: Buffer.from('near'), base: 0 },
      ...filler.slice(0, 2),
      { type: 'ofs-delta', content: Buffer.from('farther'), base: 0 },
      ...filler,
      { type: 'ofs-delta', content: Buffer.from('far'), base: 0 },
      { type: 'ref-delta', content: Buffer.from('named'), baseName: 'ab'.repeat(20) },
    ];
    const entries = await read(makePack(made));
    const deltas = entries.filter(({ base }) => base !== undefined).map(({ type, base, content: held }) => [type, base, String(held)]);
    const [first] = entries;
    expect(deltas).toEqual([
      ['ofs-delta', first?.offset, 'near'],
      ['ofs-delta', first?.offset, 'farther'],
      ['ofs-delta', first?.offset, 'far'],
      ['ref-delta', 'ab'.repeat(20), 'named'],
    ]);
    // Three bytes of distance.
    expect((entries.at(-2)?.offset ?? 0) - (first?.offset ?? 0)).toBeGreaterThan(16_512);
  });

  const blob = (bytes: number, statedBytes: number): Buffer =>
    makePack([
      { type: 'blob', content: Buffer.alloc(bytes, 'x'), statedBytes },
      { type: 'blob', content: Buffer.from('next') },
    ]);
  const one = makePack([{ type: 'blob', content: Buffer.from('one') }]);
  it.each<[string, Buffer]>([
    ['a small object is longer than it says', blob(50, 40)],
    ['a small object is shorter than it says', blob(40, 50)],
    ['a large object is longer than it says', blob(500_000, 400_000)],
    ['a large object is a little longer than it says', blob(401, 400)],
    ['a large object is shorter than it says', blob(400, 500)],
    ['an object says that it is large and is small', blob(10, 5_000)],
    ['an object says that it is small and is large', blob(500_000, 10)],
    [
      'a size is beyond all measure',
      resealed(one, (body) => Buffer.concat([body.subarray(0, 12), Buffer.alloc(12, 0xbf), body.subarray(12)])),
    ],
    ['a type is unknown', resealed(one, (body) => Buffer.from(body.fill(0x53, 12, 13)))],
    ['a type is none', resealed(one, (body) => Buffer.from(body.fill(0x03, 12, 13)))],
    ['a delta is its own base', resealed(one, (body) => Buffer.concat([body.subarray(0, 12), Buffer.from([0x63, 0]), body.subarray(13)]))],
    [
      'a delta has its base before the pack',
      resealed(one, (body) => Buffer.concat([body.subarray(0, 12), Buffer.from([0x63, 13]), body.subarray(13)])),
    ],
    ['there are fewer objects than it says', makePack([{ type: 'blob', content: Buffer.from('one') }], 2)],
    [
      'there are more objects than it says',
      makePack(
        [
          { type: 'blob', content: Buffer.from('one') },
          { type: 'blob', content: Buffer.from('two') },
        ],
        1,
      ),
    ],
    ['something follows its objects', resealed(one, (body) => Buffer.concat([body, Buffer.from('more')]))],
    ['an object is no zlib stream', resealed(one, (body) => Buffer.from(body.fill(0xff, 13)))],
    ['a large object is no zlib stream', resealed(blob(500, 500), (body) => Buffer.from(body.fill(0xff, 20)))],
  ])('are refused as corrupt where %s', async (_, pack) => {
    for (const size of [1, 4096])
      await expect(read(pack, size)).rejects.toMatchObject({ code: expect.stringMatching(/^pack_(corrupt|truncated)$/) });
  });
});
