import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePkt, delimPkt, encodePkt, flushPkt, parsePktLength, pktText } from '../../../lib/git/wire/pkt-line.ts';
import { codeOf } from '../../support/byte-streams.ts';

const longest = 65_516;

describe('a packet', () => {
  it('is decoded as it was encoded, wherever it stands', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.uint8Array({ maxLength: 20 }), fc.uint8Array(), (data, before, behind) => {
        const bytes = Buffer.concat([before, encodePkt(data), behind]);
        expect(decodePkt(bytes, before.length)).toEqual({ pkt: Buffer.from(data), end: before.length + 4 + data.length });
      }),
    );
  });

  it('asks for more bytes as long as it is not whole, never for more than a packet can have', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(), (data, cutAt) => {
        const whole = encodePkt(data);
        const part = whole.subarray(0, cutAt % whole.length);
        expect(decodePkt(part, 0)).toEqual({ needBytes: part.length < 4 ? 4 : whole.length });
      }),
    );
  });

  it('holds at most 65,516 bytes', () => {
    const whole = encodePkt(Buffer.alloc(longest));
    expect(whole.toString('latin1', 0, 4)).toBe('fff0');
    expect(decodePkt(whole, 0)).toMatchObject({ end: longest + 4 });
    expect(() => encodePkt(Buffer.alloc(longest + 1))).toThrow(RangeError);
  });

  it('never makes anything but a packet, a question for more, or protocol_error out of any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 12 }), async (bytes) => {
        expect([undefined, 'protocol_error']).toContain(await codeOf(() => decodePkt(Buffer.from(bytes), 0)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the length of a packet', () => {
  it.each([
    ['0000', 0],
    ['0001', 1],
    ['0002', 2],
    ['0004', 4],
    ['00ab', 171],
    ['00AB', 171],
    ['fff0', 65_520],
  ])('%s is %i', (text, length) => expect(parsePktLength(Buffer.from(text), 0)).toBe(length));

  it.each(['0003', 'fff1', 'ffff', '000g', ' 004', '-001', '+004', '0x10', 'PACK', '\0\0\0\0', '00\r\n'])('%j is refused', async (text) => {
    expect(await codeOf(() => parsePktLength(Buffer.from(text), 0))).toBe('protocol_error');
  });
});

describe('marks', () => {
  it.each([
    [flushPkt, 'flush'],
    [delimPkt, 'delim'],
    [Buffer.from('0002'), 'response-end'],
  ] as const)('%s is %s', (bytes, mark) => expect(decodePkt(bytes, 0)).toEqual({ pkt: mark, end: 4 }));

  it('are not packets without data', () => expect(decodePkt(Buffer.from('0004'), 0)).toEqual({ pkt: Buffer.alloc(0), end: 4 }));
});

describe('the text of a packet', () => {
  it.each([
    ['done\n', 'done'],
    ['done', 'done'],
    ['two\n\n', 'two\n'],
    ['\n', ''],
    ['', ''],
    ['ünï\n', 'ünï'],
  ])('of %j is %j: one line feed at the end is left out', (data, text) => expect(pktText(Buffer.from(data))).toBe(text));
});
