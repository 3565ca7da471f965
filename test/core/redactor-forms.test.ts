/** What SECURITY.md says of the redactor is true: each entry of its lists has its example here, and no example is without its entry. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { printable } from '../../lib/core/printable.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { secretsOf } from '../../lib/credentials/secrets-of.ts';

const secret = 'p@ss/w0rd+"<Zq&7';
const ascii = 'glpat_Zq7w0rdXyz';
const short = 'Zq7';
const unknown = 'nobody-knew';
const token = 'ghp_TokenOfTheUser';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = (before: string) => [...Buffer.from(secret)].map((byte) => before + byte.toString(16).padStart(2, '0')).join('');
const html = { '&': '&amp;', '<': '&lt;', '"': '&quot;' } as const;

type Examples = Readonly<Record<string, string>>;

const lists: Readonly<Record<string, Examples>> = {
  'Masked, from four characters on': {
    'as it stands': secret,
    'in another case': secret.toUpperCase(),
    'percent-encoded': encodeURIComponent(secret),
    'percent-encoded twice': encodeURIComponent(encodeURIComponent(secret)),
    'form-encoded': new URLSearchParams({ x: `${secret}` }).toString().slice(2),
    'escaped as in JSON': JSON.stringify(secret).slice(1, -1),
    'escaped as in HTML': secret.replace(/[&<"]/g, (character) => html[character as keyof typeof html]),
    'escaped as `\\x41`': hex('\\x'),
    'in hexadecimal': hex(''),
    'in base64': base64(secret),
    'in base64 as a part of something': base64(`{"x":"${secret}","y":1}`),
    'in base64 twice': base64(base64(secret)),
    'as UTF-16 in base64': Buffer.from(secret, 'utf16le').toString('base64'),
    'as UTF-16 bytes, if it is ASCII': Buffer.from(ascii, 'utf16le').toString('utf8'),
  },
  'Masked, shorter ones too': { 'in a URL': `https://me:${short}@host.example/r`, 'as HTTP Basic': base64(`me:${short}`) },
  'Masked, known or not': {
    'user info in a URL': `https://me:${unknown}@host.example/r`,
    'parameters that sign a link': `https://host.example/r?X-Amz-Signature=${unknown}`,
    'Authorization headers': `Authorization: Bearer ${unknown}`,
    'private keys': `-----BEGIN PRIVATE KEY-----\n${unknown}\n-----END PRIVATE KEY-----`,
  },
  'Not masked': {
    'a part of it that stands alone': secret.slice(0, 8),
    'its user name, unless that is the token': 'me',
    'its reverse': [...secret].reverse().join(''),
    'its hash': createHash('sha256').update(secret).digest('hex'),
    'base64 broken into lines': base64(secret).replace(/.{8}/g, '$&\n'),
    'quoted-printable': hex('=').toUpperCase(),
    compressed: deflateRawSync(secret).toString('base64'),
  },
};

const redactor = createRedactor([
  ...secretsOf({ username: 'me', password: secret }),
  ...secretsOf({ username: 'me', password: short }),
  ...secretsOf({ username: token, password: '' }),
  { password: ascii },
]);

const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');

/** Its entries as they stand on the page. */
function listed(title: string): string[] {
  const [, entries = ''] = page.split(`**${title.split(',')[0]}**${title.includes(',') ? title.slice(title.indexOf(',')) : ''}: `);
  return (entries.split('\n')[0] ?? '').replace(/\.$/, '').split('; ');
}

describe.each(Object.entries(lists))('%s', (title, examples) => {
  it('is the list of SECURITY.md', () => expect(listed(title)).toEqual(Object.keys(examples)));

  it.each(Object.entries(examples))('%s', (_, text) => {
    const redacted = redactor.redact(`before ${text} behind`);
    if (title === 'Not masked') {
      expect(redacted).toBe(`before ${text} behind`);
      return;
    }
    expect(redacted).toContain('*****');
    expect(redacted).not.toContain(text);
    // No more than what frames it is left: digits of base64 that hang on what stands beside.
    for (const part of text.match(/.{6}/gs) ?? []) if (title === 'Masked, from four characters on') expectGone(redacted, part, text);
    for (const known of [secret, ascii, short, unknown]) expect(redacted).not.toContain(known);
  });
});

function expectGone(redacted: string, part: string, text: string): void {
  const isFrame = text.indexOf(part) < 10 || text.indexOf(part) > text.length - 16;
  if (!isFrame) expect(redacted).not.toContain(part);
}

it('UTF-16 is masked behind what makes texts printable, too', () => {
  expect(redactor.redact(printable(Buffer.from(ascii, 'utf16le').toString('utf8')))).toMatch(/^\*{5}⟨U\+0000⟩$/);
});

it('The token is masked where it is the user name', () => expect(redactor.redact(`no ${token}`)).toBe('no *****'));
