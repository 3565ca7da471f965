import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../lib/core/redact.ts';

const password = 'p@ss "w/rd"+&<é>';
const token = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
const redactor = createRedactor([{ username: 'me@example.org', password }, { password: token }]);
const unknowing = createRedactor([]);

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const base64Url = (text: string): string => Buffer.from(text).toString('base64url');
const everyByte = (text: string, digits: (hex: string) => string): string =>
  [...Buffer.from(text)].map((byte) => `%${digits(byte.toString(16).padStart(2, '0'))}`).join('');

describe('a known secret', () => {
  it.each([
    ['raw', `said ${password} aloud`],
    ['twice', `${password}${password}`],
    ['percent-encoded', encodeURIComponent(password)],
    ['percent-encoded in lower case', encodeURIComponent(password).toLowerCase()],
    ['percent-encoded as far as a URL needs it', encodeURI(password)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(password))],
    ['percent-encoded as user info', new URL(`https://x:${encodeURIComponent(password)}@h`).password],
    ['percent-encoded byte by byte', everyByte(password, (hex) => hex.toUpperCase())],
    ['percent-encoded byte by byte in lower case', everyByte(password, (hex) => hex)],
    ['form-encoded', new URLSearchParams({ x: password }).toString().slice(2)],
    ['in JSON', JSON.stringify({ password })],
    ['in JSON as ASCII', JSON.stringify(password).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)],
    ['in HTML', 'p@ss &quot;w/rd&quot;+&amp;&lt;é&gt;'],
    ['in HTML by number', 'p&#64;ss &#34;w&#x2F;rd&#034;+&#38;<&#xe9;>'],
    ['in base64', base64(password)],
    ['in base64 without padding', base64(password).replaceAll('=', '')],
    ['in base64 for URLs', base64Url(password)],
    ['as HTTP Basic', `Basic ${base64(`me@example.org:${password}`)}`],
    ['as HTTP Basic with no user name', base64(`:${password}`)],
    ['as HTTP Basic with the user name git', base64(`git:${password}`)],
    ['as HTTP Basic with the user name of a Bitbucket token', base64(`x-bitbucket-api-token-auth:${password}`)],
    ['as HTTP Basic with another user name', base64(`somebody-else:${password}`)],
    ['in the base64 of a longer text', base64(`{"password":"${password}","x":1}`)],
    ['in another case', password.toUpperCase()],
    ['in hexadecimal', Buffer.from(password).toString('hex')],
    [
      'in hexadecimal in upper case, with colons',
      Buffer.from(password)
        .toString('hex')
        .toUpperCase()
        .replace(/..(?=.)/g, '$&:'),
    ],
    ['in base64 twice', base64(base64(password))],
    ['as HTTP Basic in base64', base64(base64(`somebody-else:${password}`))],
    ['as UTF-16 in base64', Buffer.from(password, 'utf16le').toString('base64')],
    ['as UTF-16, read as UTF-8', Buffer.from(token, 'utf16le').toString('utf8')],
    ['with its bytes escaped', [...Buffer.from(password)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')],
    ['in a URL', `https://me:${encodeURIComponent(password)}@host/r`],
    ['raw in a URL', `https://me:${password}@host/r`],
    ['a token', `https://host/r?private_token=${token}&x=1`],
    ['a token in place of a user name', `fatal: https://${token}@host/r.git not found`],
    ['a token in an SSH URL', `ssh://${token}@host/r`],
    ['a token as a header', `PRIVATE-TOKEN: ${token}`],
    ['a token in the middle of a word', `x${token}y`],
  ])('is removed %s', (_, text) => {
    const redacted = redactor.redact(text);
    expect(redacted).toContain('*****');
    for (const secret of [password, token, encodeURIComponent(password), JSON.stringify(password).slice(1, -1)]) {
      expect(redacted).not.toContain(secret);
    }
    // Not a letter of it is left, in any of the encodings.
    expect(redacted).not.toMatch(/p@ss|p%40ss|w\/rd|w%2frd|16C7e42F/i);
    for (const part of text.match(/[\w+/-]{20,}/g) ?? []) expect(redacted).not.toContain(part);
  });

  it('leaves the text around it', () => {
    expect(redactor.redact(`remote: ${token} is not a valid token for refs/heads/main`)).toBe(
      'remote: ***** is not a valid token for refs/heads/main',
    );
  });

  it('that holds another one is removed as a whole', () => {
    expect(createRedactor([{ password: 'abcd' }, { password: 'xxabcdxx' }]).redact('xxabcdxx abcd')).toBe('***** *****');
  });

  it('may hold what means something in a regular expression', () => {
    const odd = '.*+?^$' + '{}()|[\\]-/';
    expect(createRedactor([{ password: odd }]).redact(`a${odd}b`)).toBe('a*****b');
    expect(createRedactor([{ password: odd }]).redact('anything else')).toBe('anything else');
  });

  it('of fewer than four characters is removed from its structures only', () => {
    const short = createRedactor([{ username: 'me', password: 'ab' }]);
    expect(short.redact('abc label')).toBe('abc label');
    expect(short.redact('https://me:ab@host/r')).toBe('https://*****@host/r');
    expect(short.redact(base64('me:ab').replaceAll('=', ''))).toBe('*****');
  });

  it('that is empty removes nothing', () => {
    expect(createRedactor([{ username: 'me', password: '' }]).redact('me: nothing')).toBe('me: nothing');
  });

  it('of four characters or more never survives, in no encoding, wherever it stands', () => {
    // A mask next to the rest of a secret that begins or ends with an asterisk could complete it.
    const secret = fc.string({ unit: 'grapheme', minLength: 4, maxLength: 40 }).filter((text) => !/^\*|\*$/.test(text));
    const encodings = fc.constantFrom<(text: string) => string>(
      (text) => text,
      encodeURIComponent,
      encodeURI,
      (text) => encodeURIComponent(text).replace(/%../g, (octet) => octet.toLowerCase()),
      (text) => everyByte(text, (hex) => hex),
      (text) => JSON.stringify(text).slice(1, -1),
      base64,
      (text) => base64(`oauth2:${text}`),
    );
    fc.assert(
      fc.property(secret, encodings, fc.string(), fc.string(), (hidden, encode, before, behind) => {
        const redacted = createRedactor([{ username: 'oauth2', password: hidden }]).redact(before + encode(hidden) + behind);
        expect(redacted).not.toContain(hidden);
        expect(redacted).not.toContain(encode(hidden).replace(/=+$/, ''));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a secret that nobody knew', () => {
  it.each([
    ['https://me:hunter2@host/r', 'https://*****@host/r'],
    ['https://:hunter2@host/r', 'https://*****@host/r'],
    ['https://me:hun@ter2@host/r', 'https://*****@host/r'],
    ['ssh://git:hunter2@host/r', 'ssh://*****@host/r'],
    ['(https://me:hunter2@host/r) and https://you:hunter3@host/', '(https://*****@host/r) and https://*****@host/'],
    [`https://${token}@host/r`, 'https://*****@host/r'],
    [`http://${token}@host/r`, 'http://*****@host/r'],
    ['Authorization: Basic bWU6aHVudGVyMg==', 'Authorization: *****'],
    ['authorization: Bearer abc.def.ghi', 'authorization: *****'],
    ['Authorization=token abc', 'Authorization=*****'],
    ['Proxy-Authorization: Basic abc=', 'Proxy-Authorization: *****'],
    ['{"authorization":"Bearer abc","x":1}', '{"authorization":"*****","x":1}'],
    ["{ authorization: 'Basic abc' }", "{ authorization: '*****' }"],
    ['PRIVATE-TOKEN: glpat-abc', 'PRIVATE-TOKEN: *****'],
    [
      'https://s3.example.org/o?X-Amz-Credential=AK%2F1&X-Amz-Signature=abc',
      'https://s3.example.org/o?X-Amz-Credential=*****&X-Amz-Signature=*****',
    ],
    ['https://h/o?private_token=abc&x=1', 'https://h/o?private_token=*****&x=1'],
    ['https://h/o?sv=1&amp;sig=abc%3D', 'https://h/o?sv=1&amp;sig=*****'],
    ['see https://h/?access_token=abc.', 'see https://h/?access_token=*****'],
  ])('%s becomes %s', (text, expected) => expect(unknowing.redact(text)).toBe(expected));
});

describe('what is no secret', () => {
  it.each([
    'ssh://git@host/group/r.git',
    'ssh://long-user-name@host/r',
    'https://host/group/r.git',
    'https://git@host/r',
    'https://host:8443/r',
    'git@host:group/r.git',
    'somebody@example.org',
    'https://host/a:b@c',
    'refs/heads/main was updated',
    'The host asks for authorization',
    '',
  ])('%j stays', (text) => expect(unknowing.redact(text)).toBe(text));
});

describe('redacting', () => {
  it('takes no long time for a long text of any kind', () => {
    const texts = [
      'a.'.repeat(50_000),
      'https://'.repeat(20_000),
      `a://${':'.repeat(50_000)}`,
      `a://x:${'@'.repeat(50_000)} `,
      'authorization:'.repeat(10_000),
      '%25'.repeat(40_000),
      `${'-----BEGIN PRIVATE KEY-----'.repeat(20_000)}!`,
    ];
    const start = performance.now();
    for (const text of texts) redactor.redact(text);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('private keys that are cut off by others', () => {
  it('are removed one and all', () => {
    const text = '-----BEGIN PRIVATE KEY-----MIIBfirst-----BEGIN RSA PRIVATE KEY-----MIIBsecond-----END RSA PRIVATE KEY----- and (more)';
    expect(unknowing.redact(text)).not.toMatch(/MIIB/);
    expect(unknowing.redact(text)).toContain('and (more)');
  });
});
