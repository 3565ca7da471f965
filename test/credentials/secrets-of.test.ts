import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../lib/core/redact.ts';
import { secretsOf } from '../../lib/credentials/secrets-of.ts';

const privateKey = String(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }));
const lines = privateKey.split('\n').filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line));

describe('a private key in use', () => {
  const redactor = createRedactor(secretsOf({ username: 'git', password: '', privateKey }));

  it.each([
    ['whole', (text: string) => text],
    ['in JSON', (text: string) => JSON.stringify({ text })],
    ['percent-encoded', encodeURIComponent],
    ['without its frame', (text: string) => text.replace(/-----[^-]+-----/g, '')],
    ['in JSON with escaped slashes', (text: string) => JSON.stringify(text).replaceAll('/', '\\/')],
  ])('is removed %s, line by line', (_, form) => {
    for (const text of [form(privateKey), ...lines.map(form)]) {
      const shown = redactor.redact(`before ${text} after`);
      for (const line of lines) expect(shown).not.toContain(form(line).replace(/^"|"$|^\{"text":"|"\}$/g, ''));
      expect(shown).toMatch(/^before .*after$/s);
    }
  });

  it('leaves the user name alone', () => {
    expect(redactor.redact('git@host')).toBe('git@host');
    expect(createRedactor(secretsOf({ username: 'APKAEXAMPLEKEYID', password: '', privateKey })).redact('APKAEXAMPLEKEYID')).toBe(
      'APKAEXAMPLEKEYID',
    );
  });
});

it('a private key that nobody knows is removed in its frame', () => {
  expect(createRedactor([]).redact(`it said ${privateKey.trim()} and more`)).toBe('it said ***** and more');
});
