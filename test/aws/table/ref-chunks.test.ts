import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChunk, encodeChunks } from '../../../lib/aws/table/ref-chunks.ts';
import { sampleRefs } from '../../support/sample-records.ts';

async function roundTrip(list: readonly unknown[]): Promise<unknown[]> {
  const chunks = await encodeChunks(list);
  return (await Promise.all(chunks.map(({ data }) => decodeChunk(data)))).flat();
}

describe('chunks of a list', () => {
  it('give the list back, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ ref: fc.string({ unit: 'binary' }), n: fc.integer() })), async (list) => {
        expect(await roundTrip(list)).toEqual(list);
      }),
    );
  });

  it('stay under 300 KB each, however little can be compressed', async () => {
    const list = sampleRefs(10_000);
    const chunks = await encodeChunks(list);
    expect(chunks.length).toBeGreaterThan(1);
    expect(Math.max(...chunks.map(({ data }) => data.length))).toBeLessThan(300_000);
    expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
    expect(await roundTrip(list)).toEqual(list);
  });

  it('are none for an empty list', async () => {
    expect(await encodeChunks([])).toEqual([]);
  });
});
