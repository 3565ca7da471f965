import { describe, expect, it } from 'vitest';
import { isZeroOid, type ObjectFormat, parseObjectFormat, zeroOid } from '../../lib/git/object-id.ts';
import { checkedOid } from '../../lib/git/wire/advertisement.ts';

/** Whether the wire takes it for an object id. */
function isOid(text: string, format: ObjectFormat): boolean {
  try {
    return checkedOid(text, format) === text;
  } catch {
    return false;
  }
}

const sha1 = 'a'.repeat(40);
const sha256 = '0123456789abcdef'.repeat(4);

describe('an object id', () => {
  it.each([
    [sha1, 'sha1', true],
    [sha256, 'sha256', true],
    [sha256, 'sha1', false],
    [sha1, 'sha256', false],
    [sha1.toUpperCase(), 'sha1', false],
    [sha1.slice(1), 'sha1', false],
    [`${sha1}\n`, 'sha1', false],
    [`${sha1.slice(1)}g`, 'sha1', false],
    ['', 'sha1', false],
  ] as const)('%j in a %s repository: %s', (text, format, expected) => expect(isOid(text, format)).toBe(expected));

  it.each(['sha1', 'sha256'] as const)('of zeros stands for nothing in a %s repository', (format) => {
    expect(isOid(zeroOid(format), format)).toBe(true);
    expect(isZeroOid(zeroOid(format))).toBe(true);
    expect(isZeroOid(`${zeroOid(format).slice(1)}1`)).toBe(false);
  });
});

describe('an object format', () => {
  it.each([
    ['sha1', 'sha1'],
    ['sha256', 'sha256'],
    ['SHA1', undefined],
    ['md5', undefined],
    ['', undefined],
  ])('%j is %s', (text, expected) => expect(parseObjectFormat(text)).toBe(expected));
});
