import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../../lib/core/errors.ts';
import { applyDelta, deltaSizes } from '../../../lib/git/pack/delta.ts';

type Instruction = { readonly insert: Uint8Array } | { readonly offset: number; readonly size: number };

function sizeBytes(size: number): number[] {
  const bytes = [];
  for (let left = size; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) | 0x80);
  }
}

/** gitformat-pack(5): a copy names only those bytes of offset and size that are not 0, and 64 KiB by no size at all. */
function encode(instruction: Instruction): number[] {
  if ('insert' in instruction) return [instruction.insert.length, ...instruction.insert];
  const fields = [0, 8, 16, 24].map((shift) => (instruction.offset >>> shift) & 0xff);
  fields.push(...[0, 8, 16].map((shift) => (instruction.size === 0x10000 ? 0 : (instruction.size >>> shift) & 0xff)));
  const mask = fields.reduce((bits, byte, index) => (byte === 0 ? bits : bits | (1 << index)), 0x80);
  return [mask, ...fields.filter((byte) => byte !== 0)];
}

const deltaOf = (baseBytes: number, resultBytes: number, instructions: readonly Instruction[]): Buffer =>
  Buffer.from([...sizeBytes(baseBytes), ...sizeBytes(resultBytes), ...instructions.flatMap(encode)]);

// 17 MiB: offsets take all of their four bytes, sizes all of their three.
const base = Buffer.alloc(17 * 1024 * 1024);
for (let at = 0; at < base.length; at += 4) base.writeUInt32LE((at * 2654435761) >>> 0, at);

const copies = fc.record({ offset: fc.nat({ max: base.length - 300_000 }), size: fc.integer({ min: 1, max: 300_000 }) });
const inserts = fc.uint8Array({ minLength: 1, maxLength: 127 }).map((insert) => ({ insert }));

describe('a delta', () => {
  it('makes what its instructions say', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(copies, inserts), { maxLength: 6 }), (instructions) => {
        const wanted = Buffer.concat(
          instructions.map((one) => ('insert' in one ? one.insert : base.subarray(one.offset, one.offset + one.size))),
        );
        const delta = deltaOf(base.length, wanted.length, instructions);
        expect(deltaSizes(delta)).toMatchObject({ baseBytes: base.length, resultBytes: wanted.length });
        expect(applyDelta(base, delta).equals(wanted)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['from the very end', { offset: base.length - 7, size: 7 }],
    ['64 KiB, which has no size', { offset: 3, size: 0x10000 }],
    ['more than 64 KiB', { offset: 0, size: 0x12_03_04 }],
    ['from beyond 16 MiB', { offset: 0x01_02_03_04, size: 5 }],
  ])('copies %s', (_, copy) => {
    const delta = deltaOf(base.length, copy.size, [copy]);
    expect(applyDelta(base, delta).equals(base.subarray(copy.offset, copy.offset + copy.size))).toBe(true);
  });

  const small = Buffer.from('0123456789');
  const text = { insert: Buffer.from('abc') };
  it.each<[string, Buffer]>([
    ['is made for another base', deltaOf(11, 3, [text])],
    ['makes more than it says', deltaOf(10, 2, [text])],
    ['makes less than it says', deltaOf(10, 4, [text])],
    ['makes nothing of what it says', deltaOf(10, 1, [])],
    ['copies from beyond its base', deltaOf(10, 3, [{ offset: 8, size: 3 }])],
    ['copies from behind its base', deltaOf(10, 3, [{ offset: 11, size: 3 }])],
    ['holds the reserved instruction', Buffer.from([10, 1, 0, 1, 97])],
    ['ends within an insertion', deltaOf(10, 3, [text]).subarray(0, -1)],
    ['ends within a copy', Buffer.from([10, 3, 0x91, 1])],
    ['ends within a size', Buffer.from([0x8a])],
    ['is empty', Buffer.alloc(0)],
    ['says a size without end', Buffer.alloc(12, 0xff)],
  ])('is corrupt where it %s', (_, delta) => {
    expect(() => applyDelta(small, delta)).toThrow(expect.objectContaining({ code: 'pack_corrupt' }));
  });

  it('of arbitrary bytes makes what it says, or is corrupt', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        // Sizes of its own: otherwise hardly one of them would get to an instruction.
        const delta = Buffer.from([10, 20, ...bytes]);
        try {
          expect(applyDelta(small, delta)).toHaveLength(20);
        } catch (error) {
          if (!(error instanceof GitferryError)) throw error;
          expect(error.code).toBe('pack_corrupt');
        }
      }),
    );
  });
});
