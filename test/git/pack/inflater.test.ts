import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inflater } from '../../../lib/git/pack/inflater.ts';

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'nothing';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  }
}

const text = Buffer.from('some text, some text, some text');
const packed = deflateSync(text);
const damaged = Buffer.from(packed);
damaged[packed.length - 1] = (damaged[packed.length - 1] ?? 0) ^ 1;

describe('Inflater', () => {
  it('gives each content, and how much of the input it was, whatever follows', () => {
    const inflater = new Inflater();
    const content = fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.string({ maxLength: 2000 }).map(Buffer.from));
    const check = (bytes: Uint8Array, level: number, rest: Uint8Array): void => {
      const input = deflateSync(bytes, { level });
      const { content: found, usedBytes } = inflater.inflate(Buffer.concat([rest, input, rest]), rest.length, bytes.length);
      expect(found.equals(bytes)).toBe(true);
      expect(usedBytes).toBe(input.length);
    };
    fc.assert(fc.property(content, fc.integer({ min: 0, max: 9 }), fc.uint8Array({ maxLength: 50 }), check));
  });

  it.each([
    ['input that ends early', packed.subarray(0, -5), text.length, 'Z_BUF_ERROR'],
    ['no input', Buffer.alloc(0), text.length, 'Z_BUF_ERROR'],
    ['content that is longer than it should be', packed, text.length - 1, 'Z_BUF_ERROR'],
    ['a wrong checksum', damaged, text.length, 'Z_DATA_ERROR'],
    ['what is not compressed', randomBytes(8).fill(0xff), text.length, 'Z_DATA_ERROR'],
  ])('refuses %s, and inflates the next one all the same', (_, input, bytes, code) => {
    const inflater = new Inflater();
    expect(codeOf(() => inflater.inflate(input, 0, bytes))).toBe(code);
    expect(inflater.inflate(packed, 0, text.length).content.equals(text)).toBe(true);
  });

  it('gives what there is where that is less than asked for', () => {
    expect(new Inflater().inflate(packed, 0, text.length + 10).content.equals(text)).toBe(true);
  });

  it('inflates objects larger than its output', () => {
    const large = randomBytes(200_000);
    expect(new Inflater().inflate(deflateSync(large), 0, large.length).content.equals(large)).toBe(true);
  });
});
