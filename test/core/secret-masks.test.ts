import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../lib/core/redact.ts';
import { encodedForms, pairForms, plainForms } from '../../lib/core/secret-forms.ts';
import { maskOf } from '../../lib/core/secret-masks.ts';

/** Different at each place, with what needs escapes among it. */
function secretOf(length: number): string {
  return Array.from({ length }, (_, index) => String.fromCharCode(33 + ((index * 7919 + (index >> 3)) % 94))).join('');
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const encodings: readonly (readonly [string, (secret: string) => string])[] = [
  ['as it stands', (secret) => secret],
  ['percent-encoded', encodeURIComponent],
  ['percent-encoded twice', (secret) => encodeURIComponent(encodeURIComponent(secret))],
  ['in JSON', (secret) => JSON.stringify(secret).slice(1, -1)],
  ['in upper case', (secret) => secret.toUpperCase()],
  ['in hexadecimal', (secret) => Buffer.from(secret).toString('hex')],
  ['in base64', base64],
  ['in base64 twice', (secret) => base64(base64(secret))],
  ['in HTTP Basic', (secret) => base64(`ada:${secret}`)],
  ['in UTF-16, as base64', (secret) => Buffer.from(secret, 'utf16le').toString('base64')],
];

describe.each([129, 1_000, 4_096])('a secret of %i characters', (length) => {
  const secret = secretOf(length);
  const redactor = createRedactor([{ username: 'ada', password: secret }, { password: secret.slice(10, 40) }]);

  it.each(encodings)('is masked whole %s', (_, encode) => {
    // Base64 leaves the last digits, which depend on what stands behind.
    expect(redactor.redact(`before ${encode(secret)} behind ${encode(secret)}`)).toMatch(
      /^before \*{5}[\w+/=]{0,8} behind \*{5}[\w+/=]{0,8}$/,
    );
  });

  it('is masked as far as a text goes on like it', () => {
    expect(redactor.redact(`before ${secret.slice(0, 100)} behind`)).toBe('before ***** behind');
  });

  it('makes expressions no larger than one of 128 does', () => {
    const size = (text: string) =>
      maskOf(plainForms(text), 'i', '*').size + maskOf([...encodedForms(text), ...pairForms('ada', text)], '', '*').size;
    expect(size(secret)).toBeLessThan(size(secretOf(128)));
  });
});

it('Of two long secrets that begin alike each is masked whole', () => {
  const [one, other] = [secretOf(200), `${secretOf(150)}${'z'.repeat(150)}`];
  expect(createRedactor([{ password: one }, { password: other }]).redact(`${one} ${other}`)).toBe('***** *****');
});
