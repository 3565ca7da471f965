import { describe, expect, it } from 'vitest';
import { hostKeyFingerprint, parseHostKeys } from '../../lib/api/host-keys.ts';

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID46anbqQPsVQ6AlAySRFvytXAZKZRxCSawLvLWJq7DG';
const ecdsa =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCmQNruMVW19/WLxSYNifhTrgkhMIHVWns0zKw+RGWPGxvSj8yyfjhWz6sAq1C3ugOEsQXha4E+XDfzpRwGzCz8=';
const rsa =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6eNeGDFTs+vzmqCD0hfNmZJiBvRg2YAwOu8TYdbvkxBuJ8W5l89iNDcXdS0fqGHrz3AhBGyUv2+h1wZ6/g3vYkGlUb7OzRaf072SLoRTbT3jnqrL1r6GjiJM5jSb2ta6zcgTzvGpwPs99NILWSdi2yZhqu2F/PQyS2bF54ckAI7TvFfJb95ZIU9hlB0T0PFMd2LheIc+ImFPiuATbrIhwQ+nTVii+YTKOhNjflwzWym6QBfydgo/XB8yU1/XQ/1ZuQtSQvCnbW1FGUB912xwgfHxCXdnUHTG6B3uOtfWDrM3oSF4IUiZ/HRn1k95pVZMJA9dI98iv1CzXVLdHoE7h';

/** An Ed25519 key of 32 times this byte, whose base64 is rich in +. */
function keyOf(byte: number): string {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.alloc(32, byte))]).toString('base64')}`;
}

describe('parseHostKeys', () => {
  it.each([
    ['a bare key', [ed25519], [`host.example.org ${ed25519}`]],
    ['a key with a comment', [`${ecdsa} root@host`], [`host.example.org ${ecdsa}`]],
    ['known_hosts form', [`other.example.org,192.0.2.1 ${rsa} x`], [`other.example.org,192.0.2.1 ${rsa}`]],
    ['a hashed host', [`|1|AbC=|DeF= ${ed25519}`], [`|1|AbC=|DeF= ${ed25519}`]],
    [
      'a whole known_hosts file',
      [`# made by hand\r\n\r\n${ed25519}\r\n\t${rsa}\n`],
      [`host.example.org ${ed25519}`, `host.example.org ${rsa}`],
    ],
    ['one key twice', [ed25519, ed25519], [`host.example.org ${ed25519}`]],
    ['a key whose + a form has turned into spaces', [rsa.replaceAll('+', ' ')], [`host.example.org ${rsa}`]],
    ['several + in a row, and at the end', [keyOf(0xfb).replaceAll('+', ' ')], [`host.example.org ${keyOf(0xfb)}`]],
    ['none', [], []],
  ])('takes %s', (_, given, stored) => {
    expect(parseHostKeys(given, 'host.example.org')).toEqual(stored);
  });

  it.each([
    ['no key', 'invalid_key'],
    ['a key that is cut off', ed25519.slice(0, -4)],
    ['a key with something behind it', `${ed25519}AAAA`],
    ['a type that is not that of the key', ed25519.replace('ssh-ed25519 ', 'ssh-rsa ')],
    ['a type nobody should use', ed25519.replace('ssh-ed25519 ', 'ssh-dss ')],
    ['a host that is no ASCII', `h\u00f6st ${ed25519}`],
    ['a certificate authority', `@cert-authority *.example.org ${ed25519}`],
    ['a fingerprint', 'SHA256:cl/ukwPpt6RCku7iGyIaHauaEmMA/Hk3xaB0qt3rjqc'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('refuses %s, and with it all others', (_, bad) => {
    expect(parseHostKeys([ed25519, bad], 'host.example.org')).toEqual({
      fault: expect.stringContaining('Invalid SSH host key (number 2)'),
    });
  });

  it('takes ten keys and no more', () => {
    const keys = Array.from({ length: 11 }, (_, byte) => keyOf(byte));
    expect(parseHostKeys(keys.slice(0, 10), 'host.example.org')).toHaveLength(10);
    expect(parseHostKeys(keys, 'host.example.org')).toEqual({ fault: expect.stringContaining('too many host keys') });
  });
});

describe('hostKeyFingerprint', () => {
  it.each([
    [ed25519, 'cl/ukwPpt6RCku7iGyIaHauaEmMA/Hk3xaB0qt3rjqc', 'f7:1f:a9:8a:ca:ad:b9:e5:e9:9e:a2:1a:51:95:ef:19'],
    [rsa, '1HicA3Kjp0+VItXeFeDia4cj9VbZ3+Ls88dl+rSSUfI', '8c:e5:88:cc:be:13:89:52:0e:d9:e6:3a:3c:26:ee:70'],
    [ecdsa, 'Nk6csK3ETO43zNA0BKKCrnf7X+/d7oZm2EVpOVCBKk8', 'ef:8d:ad:db:08:e6:f7:45:2c:dd:85:20:d5:f0:4c:39'],
  ])('is what ssh-keygen shows for %s', (key, sha256, md5) => {
    expect(hostKeyFingerprint(`host ${key}`)).toEqual({ type: key.split(' ')[0], sha256: `SHA256:${sha256}`, md5 });
  });
});
