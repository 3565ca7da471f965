import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../../lib/core/printable.ts';
import { encodePkt, flushPkt } from '../../../lib/git/wire/pkt-line.ts';
import { demultiplex, RemoteWords } from '../../../lib/git/wire/sideband.ts';
import { codeOf, cut, pieceSizes, settled } from '../../support/byte-streams.ts';
import { hostile } from '../../support/wire-arbitraries.ts';

interface Band {
  readonly band: 1 | 2;
  readonly data: Uint8Array;
}

const bands: fc.Arbitrary<Band[]> = fc.array(
  fc.record({ band: fc.constantFrom<1 | 2>(1, 1, 2), data: fc.uint8Array({ maxLength: 300 }) }),
  { maxLength: 15 },
);

function onBand(band: number, data: string | Uint8Array): Buffer {
  return encodePkt(Buffer.concat([Buffer.from([band]), Buffer.from(data as Uint8Array)]));
}

function encoded(list: readonly Band[]): Buffer {
  return Buffer.concat([...list.map(({ band, data }) => onBand(band, data)), flushPkt]);
}

async function demultiplexed(bytes: Uint8Array, sizes?: readonly number[]) {
  const words = new RemoteWords();
  const data: Uint8Array[] = [];
  const result = await settled(async () => {
    for await (const chunk of demultiplex(cut(bytes, sizes), { words, truncatedCode: 'pack_truncated' })) data.push(Uint8Array.from(chunk));
  });
  return { data: Buffer.concat(data).toString('hex'), lines: words.lines(), ...('code' in result ? result : {}) };
}

describe('sideband data', () => {
  it('is the data of band 1 in order, however packets and headers are cut', async () => {
    await fc.assert(
      fc.asyncProperty(bands, pieceSizes, async (list, sizes) => {
        const result = await demultiplexed(encoded(list), sizes);
        const expected = Buffer.concat(list.filter(({ band }) => band === 1).map(({ data }) => data));
        expect(result).toEqual({ data: expected.toString('hex'), lines: result.lines });
      }),
    );
  });

  it('ends the same way whatever the bytes and however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(bands.map(encoded)), pieceSizes, async (bytes, sizes) => {
        const whole = await demultiplexed(bytes);
        const pieces = await demultiplexed(bytes, sizes);
        // Characters on band 2 may be cut in the middle; the data and the outcome may not differ.
        expect({ ...pieces, lines: [] }).toEqual({ ...whole, lines: [] });
      }),
      { numRuns: 300 },
    );
  });

  it('is handed out as views of what was read: nothing is copied or gathered', async () => {
    const bytes = Buffer.concat([onBand(1, Buffer.alloc(60_000)), flushPkt]);
    for await (const piece of demultiplex(cut(bytes, [1000]), { words: new RemoteWords(), truncatedCode: 'pack_truncated' })) {
      expect(piece.length).toBeLessThanOrEqual(1000);
      expect(piece.buffer).toBe(bytes.buffer);
    }
  });

  it.each([
    ['a packet without data on band 1 (C git)', onBand(1, '')],
    ['a packet without data on band 2', onBand(2, '')],
    ['a packet without a band', Buffer.from('0004')],
  ])('goes on after a keep-alive: %s', async (_, keepAlive) => {
    const bytes = Buffer.concat([keepAlive, onBand(1, 'PA'), keepAlive, keepAlive, onBand(1, 'CK'), keepAlive, flushPkt]);
    expect(await demultiplexed(bytes, [1])).toEqual({ data: Buffer.from('PACK').toString('hex'), lines: [] });
  });

  it.each([
    ['nothing at all', '', 'pack_truncated'],
    ['no flush packet', onBand(1, 'data'), 'pack_truncated'],
    ['half a packet', onBand(1, 'data').subarray(0, 7), 'pack_truncated'],
    ['half a length', '00', 'pack_truncated'],
    ['a length without its band', '000a', 'pack_truncated'],
    ['half a fatal error', onBand(3, 'fatal').subarray(0, 7), 'pack_truncated'],
    ['bytes behind the flush packet', Buffer.concat([onBand(1, 'x'), flushPkt, Buffer.from('0')]), 'protocol_error'],
    ['a second flush packet', '00000000', 'protocol_error'],
    ['a delimiter', '0001', 'protocol_error'],
    ['an end of response', '0002', 'protocol_error'],
    ['length 3', '0003', 'protocol_error'],
    ['a giant packet', 'ffff\x01', 'protocol_error'],
    ['band 0', '0006\0x', 'protocol_error'],
    ['band 4', '0006\x04x', 'protocol_error'],
    ['a pack without sideband', 'PACK\0\0\0\x02', 'protocol_error'],
  ])('that has %s ends with a code', async (_, bytes, code) => {
    expect(await demultiplexed(Buffer.from(bytes as Buffer), [2])).toMatchObject({ code });
  });
});

describe('band 3', () => {
  it('is a fatal error with its words, in one packet or cut, also without any', async () => {
    for (const sizes of [[1], [1000]]) {
      expect(await demultiplexed(onBand(3, 'disk \x1b[1mfull\n'), sizes)).toMatchObject({
        code: 'remote_error',
        message: expect.stringMatching(/disk full$/),
      });
    }
    expect(await demultiplexed(onBand(3, ''))).toMatchObject({ code: 'remote_error' });
  });

  it('comes after the data before it', async () => {
    const result = await demultiplexed(Buffer.concat([onBand(1, 'abc'), onBand(3, 'no')]));
    expect(result).toMatchObject({ data: Buffer.from('abc').toString('hex'), code: 'remote_error' });
  });
});

describe('band 2', () => {
  it('is kept as lines, with control characters as code points and without progress and empty ones', () => {
    const words = new RemoteWords();
    words.add(Buffer.from('Counting:  10% (1/10)\rCounting: 100% (10/10), done.\n\n  \x1b[31mremote: hook\x1b[0m says \x07no\u009b\r\n'));
    expect(words.lines()).toEqual(['remote: hook says ⟨U+0007⟩no⟨U+009B⟩']);
  });

  it('keeps the last words and not more than its limit, however many come', () => {
    const words = new RemoteWords();
    for (let count = 0; count < 1000; count++) words.add(Buffer.from(`line ${count} ${'x'.repeat(500)}\n`));
    words.add(Buffer.from('the last words'));
    expect(words.lines().at(-1)).toBe('the last words');
    expect(words.lines().join('').length).toBeLessThan(10_000);
    const filled = new RemoteWords();
    for (const piece of ['not this\n', 'kept'.padEnd(8 * 1024, '!')]) filled.add(Buffer.from(piece));
    expect(filled.lines()).toEqual(['kept'.padEnd(8 * 1024, '!')]);
  });

  it('is text also where a character is cut between two pieces', () => {
    const words = new RemoteWords();
    const bytes = Buffer.from('größer');
    words.add(bytes.subarray(0, 3));
    words.add(bytes.subarray(3));
    expect(words.lines()).toEqual(['größer']);
  });
});

describe("a stranger's text made printable", () => {
  it('never holds control characters, and nothing is longer than its code point', async () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(printable(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
        expect(printable(text).length).toBeLessThanOrEqual(text.length * '⟨U+0000⟩'.length);
      }),
    );
    expect(await codeOf(() => printable('\x1b['.repeat(100_000)))).toBeUndefined();
  });
});
