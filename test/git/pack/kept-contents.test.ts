import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeptContents, placeOf } from '../../../lib/git/pack/kept-contents.ts';

const mostBytes = 32 * 1024 * 1024;

/** Sizes, and how far their offsets are apart. */
const contents = fc.array(fc.tuple(fc.nat(16_384), fc.integer({ min: 1, max: 50_000 })), { maxLength: 300, size: 'max' });

function contentOf(bytes: number, index: number): Buffer {
  return Buffer.alloc(bytes, `content ${index} `);
}

describe('contents that are kept', () => {
  it('are found where they began, and nowhere else, and are listed in order', () => {
    fc.assert(
      fc.property(contents, (sizes) => {
        const kept = new KeptContents();
        const model = new Map<number, Buffer>();
        let offset = 12;
        for (const [index, [bytes, distance]] of sizes.entries()) {
          const content = contentOf(bytes, index);
          kept.add(offset, content);
          model.set(offset, Buffer.from(content));
          content.fill(0);
          offset += distance;
        }
        expect([...kept.all()].map(({ offset: at }) => at)).toEqual([...model.keys()]);
        for (const [at, content] of model) {
          expect(kept.at(at)?.equals(content)).toBe(true);
          if (!model.has(at + 1)) expect(kept.at(at + 1)).toBeUndefined();
        }
        expect(kept.at(0)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it.each([16_384, 1_000, 0])('take at most 32 MiB, the oldest make room: %d bytes each', (bytes) => {
    const kept = new KeptContents();
    let offset = 0;
    for (const content = contentOf(bytes, 0); !kept.isFull(bytes); offset++) kept.add(offset, content);
    // What stands beside each content counts, too.
    expect(offset * (bytes + 16)).toBeLessThanOrEqual(mostBytes);
    expect(offset * (bytes + 16)).toBeGreaterThan(0.9 * mostBytes);
    const oldest = [...kept.dropOldest()];
    const dropped = oldest.length;
    expect(oldest.every(({ offset: at, content }, index) => at === index && content.length === bytes)).toBe(true);
    expect(dropped).toBeGreaterThan(10);
    expect([kept.isFull(bytes), kept.at(dropped - 1), kept.at(dropped)?.length]).toEqual([false, undefined, bytes]);
    kept.add(offset, contentOf(bytes, offset + 1));
    expect(kept.at(offset)?.equals(contentOf(bytes, offset + 1))).toBe(true);
  });
});

it('The place of a number among ascending ones is that of the last one that is not greater', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(100)), fc.nat(101), (made, number) => {
      const numbers = made.toSorted((a, b) => a - b);
      expect(placeOf(number, numbers)).toBe(
        Math.max(
          0,
          numbers.findLastIndex((other) => other <= number),
        ),
      );
    }),
  );
});
