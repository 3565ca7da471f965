import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashBytes, type ObjectFormat } from '../../../lib/git/object-id.ts';
import { emptyPack } from '../../../lib/git/pack/empty-pack.ts';
import { openPack } from '../../../lib/git/pack/incoming-pack.ts';
import { codeOf, cut, pieceSizes, readAll } from '../../support/byte-streams.ts';
import { objectFormat } from '../../support/wire-arbitraries.ts';

/** A pack as far as anybody on the way can see: header, any content, checksum. */
function packWith(content: Uint8Array, format: ObjectFormat = 'sha1', objects = 7): Buffer {
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  header.writeUInt32BE(objects, 8);
  const body = Buffer.concat([header, content]);
  return Buffer.concat([body, createHash(format).update(body).digest()]);
}

/** What was given out before the end, and the code that it ended with. */
async function passed(bytes: Uint8Array, sizes: readonly number[], format: ObjectFormat) {
  const given: Uint8Array[] = [];
  const code = await codeOf(async () => {
    const pack = await openPack(cut(bytes, sizes), format);
    for await (const chunk of pack.bytes) given.push(Uint8Array.from(chunk));
  });
  return { given: Buffer.concat(given), code };
}

describe('a pack on its way through', () => {
  it('passes byte for byte, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), objectFormat, pieceSizes, async (content, format, sizes) => {
        const pack = packWith(content, format);
        const { given, code } = await passed(pack, sizes, format);
        expect(code).toBeUndefined();
        expect(given.equals(pack)).toBe(true);
      }),
    );
  });

  it('tells the number of objects from its header', async () => {
    expect((await openPack(cut(packWith(Buffer.alloc(0), 'sha1', 4_000_000_000)), 'sha1')).objects).toBe(4_000_000_000);
    expect((await openPack(cut(emptyPack('sha256'), [1]), 'sha256')).objects).toBe(0);
  });

  it('never has its last bytes given out if it is cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), objectFormat, pieceSizes, fc.nat(), async (content, format, sizes, at) => {
        const pack = packWith(content, format);
        const short = pack.subarray(0, at % pack.length);
        const { given, code } = await passed(short, sizes, format);
        expect(['pack_truncated', 'pack_corrupt']).toContain(code);
        expect(given.length).toBeLessThanOrEqual(Math.max(0, short.length - hashBytes[format]));
      }),
      { numRuns: 300 },
    );
  });

  it('never has its last bytes given out if one byte is wrong or there is one more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        pieceSizes,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (content, sizes, position, change, isAdded) => {
          const pack = packWith(content);
          // Beyond the header, which is judged by itself.
          const at = 12 + (position % (pack.length - 12));
          const wrong = isAdded ? Buffer.concat([pack, Buffer.from([change])]) : Buffer.from(pack);
          if (!isAdded) wrong[at] = pack[at]! ^ change;
          const { given, code } = await passed(wrong, sizes, 'sha1');
          expect(code).toBe('pack_corrupt');
          expect(given.length).toBeLessThanOrEqual(wrong.length - hashBytes.sha1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is not held back when it comes in tiny pieces', async () => {
    const pack = packWith(Buffer.alloc(5000, 1));
    let read = 0;
    let given = 0;
    let mostHeld = 0;
    const counted = (async function* () {
      for await (const piece of cut(pack, [5])) {
        read += piece.length;
        yield piece;
      }
    })();
    for await (const chunk of (await openPack(counted, 'sha1')).bytes) {
      given += chunk.length;
      mostHeld = Math.max(mostHeld, read - given);
    }
    expect(given).toBe(pack.length);
    expect(mostHeld).toBeLessThan(50);
  });

  it('uses the hash of its repository', async () => {
    expect((await passed(packWith(Buffer.from('x'), 'sha1'), [100], 'sha256')).code).toBe('pack_corrupt');
  });
});

describe('what is no pack', () => {
  it.each([
    ['nothing', '', 'pack_truncated'],
    ['part of a header', 'PACK\0\0\0\x02\0\0\0', 'pack_truncated'],
    ['another magic', 'PUCK\0\0\0\x02\0\0\0\0', 'pack_corrupt'],
    ['version 1', 'PACK\0\0\0\x01\0\0\0\0', 'pack_corrupt'],
    ['version 4', 'PACK\0\0\0\x04\0\0\0\0', 'pack_corrupt'],
    ['a web page', '<!doctype html><title>Sign in</title>', 'pack_corrupt'],
  ])('%s is refused before anything is given out', async (_, text, expected) => {
    const { given, code } = await passed(Buffer.from(text, 'latin1'), [3], 'sha1');
    expect({ given: given.length, code }).toEqual({ given: 0, code: expected });
  });
});

describe('cancel', () => {
  it('ends the stream below, also twice; what is read afterwards is no whole pack', async () => {
    let ended = 0;
    const stream = (async function* () {
      try {
        yield packWith(Buffer.alloc(100)).subarray(0, 50);
        yield packWith(Buffer.alloc(100)).subarray(50);
      } finally {
        ended++;
      }
    })();
    const pack = await openPack(stream, 'sha1');
    await pack.cancel();
    await pack.cancel();
    expect(ended).toBe(1);
    expect(await codeOf(readAll(pack.bytes))).toBe('pack_corrupt');
  });
});

describe('an empty pack', () => {
  it.each(['sha1', 'sha256'] as const)('is a pack without objects in a %s repository', async (format) => {
    const pack = emptyPack(format);
    expect(pack).toHaveLength(12 + hashBytes[format]);
    expect(await passed(pack, [1], format)).toEqual({ given: pack, code: undefined });
  });
});
