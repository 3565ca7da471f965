import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hostKeyFingerprint,
  knownHostsName,
  parseHostKeys,
  selectHostKeys,
  storedHostKey,
} from '../../../../lib/git/transport/host-keys/known-hosts.ts';

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID46anbqQPsVQ6AlAySRFvytXAZKZRxCSawLvLWJq7DG';
const ecdsa =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCmQNruMVW19/WLxSYNifhTrgkhMIHVWns0zKw+RGWPGxvSj8yyfjhWz6sAq1C3ugOEsQXha4E+XDfzpRwGzCz8=';
const rsa =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6eNeGDFTs+vzmqCD0hfNmZJiBvRg2YAwOu8TYdbvkxBuJ8W5l89iNDcXdS0fqGHrz3AhBGyUv2+h1wZ6/g3vYkGlUb7OzRaf072SLoRTbT3jnqrL1r6GjiJM5jSb2ta6zcgTzvGpwPs99NILWSdi2yZhqu2F/PQyS2bF54ckAI7TvFfJb95ZIU9hlB0T0PFMd2LheIc+ImFPiuATbrIhwQ+nTVii+YTKOhNjflwzWym6QBfydgo/XB8yU1/XQ/1ZuQtSQvCnbW1FGUB912xwgfHxCXdnUHTG6B3uOtfWDrM3oSF4IUiZ/HRn1k95pVZMJA9dI98iv1CzXVLdHoE7h';
const place = { host: 'host.example.org', port: undefined };
const elsewhere = { host: 'host.example.org', port: 2222 };

/** An Ed25519 key of 32 times this byte, whose base64 is rich in +. */
function keyOf(byte: number): string {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.alloc(32, byte))]).toString('base64')}`;
}

function hashed(name: string): string {
  const salt = Buffer.from('salt of twenty bytes');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

describe('parseHostKeys', () => {
  it.each([
    ['a bare key', [ed25519], [`host.example.org ${ed25519}`]],
    ['a key with a comment', [`${ecdsa} root@host`], [`host.example.org ${ecdsa}`]],
    ['known_hosts form', [`host.example.org ${rsa} x`], [`host.example.org ${rsa}`]],
    ['a name in other letters', [`HOST.Example.org ${rsa}`], [`host.example.org ${rsa}`]],
    ['a list of hosts', [`other.example.org,host.example.org,192.0.2.1 ${rsa} x`], [`host.example.org ${rsa}`]],
    ['a wildcard', [`*.example.??? ${rsa}`], [`host.example.org ${rsa}`]],
    ['an exception that is another host', [`!x.example.org,*.example.org ${rsa}`], [`host.example.org ${rsa}`]],
    ['a hashed host', [`${hashed('host.example.org')} ${ed25519}`], [`host.example.org ${ed25519}`]],
    [
      'a whole known_hosts file',
      [`# made by hand\r\n\r\n${ed25519}\r\n\t${rsa}\n`],
      [`host.example.org ${ed25519}`, `host.example.org ${rsa}`],
    ],
    ['one key twice', [ed25519, `host.example.org ${ed25519} again`], [`host.example.org ${ed25519}`]],
    ['a key whose + a form has turned into spaces', [rsa.replaceAll('+', ' ')], [`host.example.org ${rsa}`]],
    ['several + in a row, and at the end', [keyOf(0xfb).replaceAll('+', ' ')], [`host.example.org ${keyOf(0xfb)}`]],
    ['none', [], []],
  ])('takes %s', (_, given, stored) => {
    expect(parseHostKeys(given, place)).toEqual(stored);
  });

  it.each([
    ['the port', `[host.example.org]:2222 ${ed25519}`],
    ['the port, hashed', `${hashed('[host.example.org]:2222')} ${ed25519}`],
    ['the host alone, as ssh does', `host.example.org ${ed25519}`],
    ['no host', ed25519],
  ])('stores a key for another port under that port: %s', (_, line) => {
    expect(parseHostKeys([line], elsewhere)).toEqual([`[host.example.org]:2222 ${ed25519}`]);
  });

  it.each([
    ['no key', 'invalid_key'],
    ['a key that is cut off', ed25519.slice(0, -4)],
    ['a key with something behind it', `${ed25519}AAAA`],
    ['a type that is not that of the key', ed25519.replace('ssh-ed25519 ', 'ssh-rsa ')],
    ['a type nobody should use', ed25519.replace('ssh-ed25519 ', 'ssh-dss ')],
    ['a host that is no ASCII', `h\u00f6st ${ed25519}`],
    ['a certificate authority', `@cert-authority *.example.org ${ed25519}`],
    ['a revoked key', `@revoked host.example.org ${ed25519}`],
    ['a fingerprint', 'SHA256:cl/ukwPpt6RCku7iGyIaHauaEmMA/Hk3xaB0qt3rjqc'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['the key of another host', `other.example.org ${rsa}`],
    ['the key of another port', `[host.example.org]:22222 ${rsa}`],
    ['the key of another host, hashed', `${hashed('other.example.org')} ${rsa}`],
    ['an unreadable hash', `|1|x ${rsa}`],
    ['a host that is excepted', `*.example.org,!host.* ${rsa}`],
    ['a wildcard for one character too many', `?????.example.org ${rsa}`],
  ])('refuses %s, and with it all others', (_, bad) => {
    expect(parseHostKeys([ed25519, bad], place)).toEqual({ fault: expect.stringContaining('Invalid SSH host key (number 2)') });
  });

  it('names the host whose key it is, and repeats nothing that is no key', () => {
    expect(parseHostKeys([`other.example.org ${rsa}`], place)).toEqual({
      fault: expect.stringContaining('the key of other.example.org, not of host.example.org'),
    });
    expect(JSON.stringify(parseHostKeys(['hunter2 ssh-ed25519 hunter3'], place))).not.toContain('hunter');
  });

  it('takes ten keys and no more', () => {
    const keys = Array.from({ length: 11 }, (_, byte) => keyOf(byte));
    expect(parseHostKeys(keys.slice(0, 10), place)).toHaveLength(10);
    expect(parseHostKeys(keys, place)).toEqual({ fault: expect.stringContaining('too many host keys') });
  });

  it('takes what it has stored, whatever the host', () => {
    const hosts = fc.record({
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(hosts, fc.subarray([ed25519, ecdsa, rsa]), (at, keys) => {
        const stored = parseHostKeys(keys, at) as readonly string[];
        expect(stored.map((line) => line.slice(knownHostsName(at).length + 1))).toEqual(keys);
        expect(parseHostKeys(stored, at)).toEqual(stored);
        expect(selectHostKeys(stored.join('\n'), at)).toEqual(stored);
        expect(stored.map((line) => storedHostKey(line)?.key.toString('base64'))).toEqual(keys.map((key) => key.split(' ')[1]));
      }),
    );
  });

  it('never throws, and stores only lines that it can read again', () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...ed25519.split(' '),
        ...rsa.split(' '),
        '@revoked',
        '#',
        '|1|',
        '*',
        '!',
        ',',
        '[',
        ']:22',
        'host.example.org',
        '\r',
        '\n',
        '\t',
      ),
      fc.string(),
    );
    const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, (line) => {
        const parsed = parseHostKeys([line], place);
        if (!('fault' in parsed)) for (const stored of parsed) expect(hostKeyFingerprint(stored)).toBeDefined();
        for (const stored of selectHostKeys(line, place)) expect(hostKeyFingerprint(stored)).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('takes no long time for a pattern made to take long', () => {
    const startedAt = performance.now();
    parseHostKeys([`${'*a'.repeat(4000)}b ${ed25519}`], { host: 'a'.repeat(250), port: undefined });
    parseHostKeys([`ssh-ed25519 ${'A '.repeat(500_000)}`], place);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('selectHostKeys', () => {
  it('finds the keys of one host in a file of many, and leaves out revoked ones and authorities', () => {
    const file = [
      '# comment',
      `other.example.org ${rsa}`,
      `host.example.org,192.0.2.1 ${ed25519} root@host`,
      `${hashed('host.example.org')} ${ecdsa}`,
      `[host.example.org]:2222 ${keyOf(1)}`,
      `@cert-authority *.example.org ${keyOf(2)}`,
      `* ${keyOf(3)}`,
      `@revoked * ${keyOf(3)}`,
      'host.example.org ssh-dss AAAA',
      `host.example.org 2048 65537 123456789`,
      ed25519,
    ].join('\n');
    expect(selectHostKeys(file, place)).toEqual([`host.example.org ${ed25519}`, `host.example.org ${ecdsa}`]);
    expect(selectHostKeys(file, { host: '192.0.2.1', port: undefined })).toEqual([`192.0.2.1 ${ed25519}`]);
  });

  it('reads a file of 50,000 hosts', () => {
    const others = Array.from({ length: 50_000 }, (_, number) => `h${number}.example.org ${ed25519}`);
    expect(selectHostKeys([...others, `host.example.org ${rsa}`].join('\n'), place)).toEqual([`host.example.org ${rsa}`]);
  });
});

describe('hostKeyFingerprint', () => {
  it.each([
    [ed25519, 'ED25519', 256, 'cl/ukwPpt6RCku7iGyIaHauaEmMA/Hk3xaB0qt3rjqc', 'f7:1f:a9:8a:ca:ad:b9:e5:e9:9e:a2:1a:51:95:ef:19'],
    [rsa, 'RSA', 2048, '1HicA3Kjp0+VItXeFeDia4cj9VbZ3+Ls88dl+rSSUfI', '8c:e5:88:cc:be:13:89:52:0e:d9:e6:3a:3c:26:ee:70'],
    [ecdsa, 'ECDSA', 256, 'Nk6csK3ETO43zNA0BKKCrnf7X+/d7oZm2EVpOVCBKk8', 'ef:8d:ad:db:08:e6:f7:45:2c:dd:85:20:d5:f0:4c:39'],
  ])('is what ssh-keygen shows for %s', (key, label, bits, sha256, md5) => {
    const type = key.split(' ')[0];
    expect(hostKeyFingerprint(`host ${key}`)).toEqual({ type, label, bits, sha256: `SHA256:${sha256}`, md5: `MD5:${md5}` });
  });

  it('is undefined for a line that holds no key', () => {
    expect(hostKeyFingerprint('host ssh-ed25519 AAAA')).toBeUndefined();
    expect(hostKeyFingerprint('')).toBeUndefined();
  });
});
