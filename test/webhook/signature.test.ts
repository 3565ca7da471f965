import { describe, expect, it } from 'vitest';
import { isBasicPassword, isHexSignature, isSecret } from '../../lib/webhook/signature.ts';
import { basic, delivery, hex } from './samples.ts';

const secret = "It's a Secret to Everybody";
const body = Buffer.from('Hello, World!');
/** GitHub's own example. */
const digest = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

describe('isHexSignature', () => {
  it("accepts GitHub's published example", () => {
    expect(isHexSignature(`sha256=${digest}`, 'sha256=', body, [secret])).toBe(true);
  });

  it.each([
    ['the second of two live secrets', `sha256=${digest}`, ['another', secret], true],
    ['upper-case digits, which prove as much', `sha256=${digest.toUpperCase()}`, [secret], true],
    ['another secret', `sha256=${hex('another', body)}`, [secret], false],
    ['no secret at all', `sha256=${digest}`, [], false],
    ['one digit changed', `sha256=${digest.slice(0, -1)}0`, [secret], false],
    ['a digit too few', `sha256=${digest.slice(0, -1)}`, [secret], false],
    ['a digit too many', `sha256=${digest}0`, [secret], false],
    ['an odd half of it', `sha256=${digest.slice(0, 31)}`, [secret], false],
    ['digits that are none', `sha256=${digest.slice(0, -1)}g`, [secret], false],
    ['nothing behind the prefix', 'sha256=', [secret], false],
    ['an empty value', '', [secret], false],
    ['no prefix', digest, [secret], false],
    ['the prefix of another hash', `sha1=${digest}`, [secret], false],
    ['the prefix twice', `sha256=sha256=${digest}`, [secret], false],
    ['the header twice, joined', `sha256=${digest}, sha256=${digest}`, [secret], false],
    ['the header twice, joined by API Gateway', `sha256=${digest},sha256=${digest}`, [secret], false],
    ['a space in front', ` sha256=${digest}`, [secret], false],
    ['a line break behind', `sha256=${digest}\n`, [secret], false],
    ['base64 of the digest', `sha256=${Buffer.from(digest, 'hex').toString('base64')}`, [secret], false],
    ['no header', undefined, [secret], false],
  ])('%s', (_, value, secrets, expected) => {
    expect(isHexSignature(value, 'sha256=', body, secrets)).toBe(expected);
  });

  it('is made of the bytes, not of the text they decode to', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x7b]);
    expect(isHexSignature(hex(secret, bytes), '', bytes, [secret])).toBe(true);
    expect(isHexSignature(hex(secret, bytes.toString()), '', bytes, [secret])).toBe(false);
  });
});

describe('isSecret', () => {
  it.each([
    ['the secret', 's3cret', ['s3cret'], true],
    ['the secret before', 's3cret', ['new', 's3cret'], true],
    ['the beginning of it', 's3cre', ['s3cret'], false],
    ['the secret twice, joined', 's3cret, s3cret', ['s3cret'], false],
    ['another of the same length', 's3creT', ['s3cret'], false],
    ['the same length in characters, not in bytes', 's3creţ', ['s3cret'], false],
    ['an empty value', '', ['s3cret', ''], false],
    ['no header', undefined, ['s3cret'], false],
  ])('%s', (_, value, secrets, expected) => {
    expect(isSecret(value, secrets)).toBe(expected);
  });
});

describe('isBasicPassword', () => {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  it.each([
    ['the documented user', basic('gitferry', 's3cret'), true],
    ['any user', basic('azure', 's3cret'), true],
    ['no user', basic('', 's3cret'), true],
    ['the scheme in lower case', { authorization: `basic ${encode('gitferry:s3cret')}` }, true],
    ['another password', basic('gitferry', 's3creT'), false],
    ['the secret as the user', basic('s3cret', ''), false],
    ['no colon', { authorization: `Basic ${encode('s3cret')}` }, false],
    ['a colon in front of the secret', basic('gitferry', ':s3cret'), false],
    ['another scheme', { authorization: 'Bearer s3cret' }, false],
    ['not base64', { authorization: 'Basic gitferry:s3cret' }, false],
    ['twice', { authorization: `Basic ${encode('gitferry:s3cret')}, Basic ${encode('gitferry:s3cret')}` }, false],
    ['nothing behind the scheme', { authorization: 'Basic ' }, false],
    ['no header', {}, false],
  ])('%s', (_, headers, expected) => {
    expect(isBasicPassword(delivery(headers as Record<string, string>), ['s3cret'])).toBe(expected);
  });

  it('takes a password that holds colons', () => {
    expect(isBasicPassword(delivery(basic('gitferry', 'a:b:c')), ['a:b:c'])).toBe(true);
  });
});
