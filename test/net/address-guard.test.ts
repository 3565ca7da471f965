import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { codeOf, settled } from '../support/byte-streams.ts';

const guard = createAddressGuard([]);

/** Range, first and last address, and the neighbours outside (which are public unless another range follows). */
const ranges: readonly (readonly [name: string, first: string, last: string, before: string | undefined, behind: string | undefined])[] = [
  ['this network 0/8', '0.0.0.0', '0.255.255.255', undefined, '1.0.0.0'],
  ['private 10/8', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['shared 100.64/10', '100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['loopback 127/8', '127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['link-local 169.254/16', '169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['private 172.16/12', '172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0/24', '192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['documentation 192.0.2/24', '192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['6to4 relays 192.88.99/24', '192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['private 192.168/16', '192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['benchmarks 198.18/15', '198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['documentation 198.51.100/24', '198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['documentation 203.0.113/24', '203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['multicast 224/4', '224.0.0.0', '239.255.255.255', '223.255.255.255', undefined],
  ['reserved 240/4 and broadcast', '240.0.0.0', '255.255.255.255', undefined, undefined],
  ['IPv6 unspecified', '::', '::', undefined, undefined],
  ['IPv6 loopback', '::1', '::1', undefined, undefined],
  ['discard 100::/64', '100::', '100::ffff:ffff:ffff:ffff', undefined, undefined],
  ['below global unicast', '::2', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, '2000::'],
  ['special 2001::/23 behind Teredo', '2001:1::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, '2001:200::'],
  ['documentation 2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff:ffff::', '2001:db9::'],
  ['documentation 3fff::/20', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff:ffff:ffff::', '3fff:1000::'],
  ['above global unicast', '4000::', 'fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:ffff::', undefined],
  ['unique local fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, undefined],
  ['link-local fe80::/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, undefined],
  ['site-local fec0::/10', 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, undefined],
  ['multicast ff00::/8', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, undefined],
];

/** IPv6 addresses that carry this IPv4 address. */
function carriers(v4: string): string[] {
  const bytes = v4.split('.').map(Number);
  const hex = (list: readonly number[]): string =>
    `${((list[0]! << 8) | list[1]!).toString(16)}:${((list[2]! << 8) | list[3]!).toString(16)}`;
  const inverted = hex(bytes.map((byte) => byte ^ 0xff));
  return [
    `::ffff:${v4}`,
    `::ffff:${hex(bytes)}`,
    `::ffff:0:${hex(bytes)}`,
    `::${hex(bytes)}`,
    `64:ff9b::${hex(bytes)}`,
    `2002:${hex(bytes)}::1`,
    `2001:0:${hex(bytes)}:0:ffff:f7f7:f7f7`,
    `2001:0:808:808:0:ffff:${inverted}`,
  ];
}

describe('a refused range', () => {
  it.each(ranges)('%s is refused from the first to the last address, and not beyond', (_, first, last, before, behind) => {
    expect(guard.refusal(first)).toEqual(expect.any(String));
    expect(guard.refusal(last)).toEqual(expect.any(String));
    for (const neighbour of [before, behind]) if (neighbour !== undefined) expect(guard.refusal(neighbour)).toBeUndefined();
  });

  it.each([
    ['127.0.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['fd00::1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['fd00:ec2::254', 'private'],
    ['0.0.0.0', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::ffff:169.254.169.254', 'link-local (as 169.254.169.254)'],
  ])('says why %s is refused: %s', (address, reason) => expect(guard.refusal(address)).toBe(reason));

  it.each(['1.1.1.1', '8.8.8.8', '140.82.112.3', '2606:50c0:8000::153', '2a04:4e42::', '2400:cb00::1'])('%s is public', (address) => {
    expect(guard.refusal(address)).toBeUndefined();
  });

  it('is refused inside every IPv6 form that carries it, and public addresses are not, but in the deprecated forms', () => {
    for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1', '100.64.0.1', '0.0.0.2', '240.0.0.1', '198.18.0.1']) {
      for (const carrier of carriers(address)) expect([carrier, guard.refusal(carrier)]).toEqual([carrier, expect.any(String)]);
    }
    for (const carrier of carriers('8.8.4.4')) expect([carrier, guard.refusal(carrier)]).toEqual([carrier, undefined]);
  });

  it('is refused in what carries it if and only if it is refused itself, whatever the IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (v4) => {
        const isRefused = guard.refusal(v4) !== undefined;
        // 0.0.0.0 and 0.0.0.1 are :: and ::1 in the compatible form, which are refused as well.
        for (const carrier of carriers(v4)) expect(guard.refusal(carrier) !== undefined).toBe(isRefused);
      }),
    );
  });

  it('takes no IPv6 address outside 2000::/3, but for those that carry a public IPv4 address', () => {
    const unicast = new BlockList();
    unicast.addSubnet('2000::', 3, 'ipv6');
    const carrying = new BlockList();
    for (const prefix of ['::', '::ffff:0:0', '::ffff:0:0:0', '64:ff9b::']) carrying.addSubnet(prefix, 96, 'ipv6');
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        if (unicast.check(address, 'ipv6') || carrying.check(address, 'ipv6')) return;
        expect([address, guard.refusal(address)]).toEqual([address, expect.any(String)]);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['', 'localhost', 'example.org', '1.2.3.4.5', '256.1.1.1', ':::1', '4294967296'])('%j is no address', (text) => {
    expect(guard.refusal(text)).toBe('unreadable');
  });
});

describe('an IP literal', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0x7F.0x0.0x0.0x1',
    '017700000001',
    '0177.0.0.1',
    '0177.1',
    '127.0.0.01',
    '0',
    '[::1]',
    '::1',
    '[0:0:0:0:0:0:0:1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    '[fe80::1%eth0]',
    '[fe80::1%25eth0]',
    '2852039166',
    '0xa9fea9fe',
    '10.1',
  ])('%s is refused in this form too', async (host) => expect(await codeOf(() => guard.checkLiteral(host))).toBe('address_blocked'));

  it.each(['example.org', 'localhost', '8.8.8.8', '134744072', '[2606:4700::1]', 'xn--hst-sna', '127.0.0.1.nip.invalid', '-', ''])(
    '%j passes: a name, which lookup judges, or public',
    async (host) => expect(await codeOf(() => guard.checkLiteral(host))).toBeUndefined(),
  );
});

describe('the list of exceptions', () => {
  it.each([
    ['127.0.0.0/8', '127.0.0.1', true],
    ['127.0.0.0/8', '127.255.255.255', true],
    ['127.0.0.0/8', '128.0.0.1', true],
    ['127.0.0.0/8', '10.0.0.1', false],
    ['127.0.0.0/8', '::1', false],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['127.0.0.0/8', '64:ff9b::7f00:1', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['10.1.0.0/16', '10.1.255.255', true],
    ['10.1.0.0/16', '10.2.0.0', false],
    ['10.1.2.3/16', '10.1.9.9', true],
    ['0.0.0.0/0', '169.254.169.254', true],
    ['0.0.0.0/0', '::1', false],
    ['::1', '::1', true],
    ['::1/128', '::2', false],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', 'fc00::1', false],
    ['::/0', 'fe80::1', true],
    ['::/0', '127.0.0.1', false],
  ])('with %s allows %s: %s', (cidr, address, allowed) => {
    expect(createAddressGuard([cidr]).refusal(address) === undefined).toBe(allowed);
  });

  it('allows the addresses of all its entries', () => {
    const both = createAddressGuard(['10.0.0.0/8', '::1']);
    expect(['10.1.1.1', '::1', '127.0.0.1'].map((address) => both.refusal(address))).toEqual([undefined, undefined, 'loopback']);
  });

  it.each([
    '',
    '/',
    '/8',
    'localhost',
    'localhost/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/x',
    '10.0.0.0/',
    '10.1/16',
    '0x0a.0.0.0/8',
    'fd00::/129',
    'fd00::/',
    '10.0.0.0/8/8',
    '10.0.0.0 /8',
    '10.0.0.0/8,127.0.0.1',
  ])('%j is refused as an entry', async (text) => expect(await codeOf(() => createAddressGuard([text]))).toBe('invalid_arguments'));
});

describe('looking up a name', () => {
  function lookedUp(allow: readonly string[], name: string, all: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      createAddressGuard(allow).lookup(name, { all }, (error, address, family) =>
        error === null ? resolve(all ? address : { address, family }) : reject(error),
      );
    });
  }

  it('is refused if all addresses of the name are', async () => {
    expect(await settled(lookedUp([], 'localhost', true))).toMatchObject({
      code: 'address_blocked',
      message: expect.stringContaining('localhost'),
    });
    expect(await codeOf(lookedUp([], 'localhost', false))).toBe('address_blocked');
  });

  it('gives the allowed addresses only', async () => {
    expect(await lookedUp(['127.0.0.0/8'], 'localhost', true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await lookedUp(['127.0.0.0/8'], 'localhost', false)).toEqual({ address: '127.0.0.1', family: 4 });
  });

  it.each(['127.1', '2130706433', '0x7f000001'])('judges %s by what the resolver makes of it', async (host) => {
    expect(await codeOf(lookedUp([], host, true))).toBe('address_blocked');
  });

  const both = ['127.0.0.1', '10.0.0.1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '169.254.169.254', '::1'];
  const many = Array.from({ length: 300 }, (_, index) => `127.0.${index >> 8}.${index & 255}`);
  it.each<[string, readonly string[], string | readonly string[]]>([
    ['allowed and refused ones', both, ['127.0.0.1', '::ffff:127.0.0.1']],
    ['refused ones only', ['10.0.0.1', '::ffff:10.0.0.1'], 'address_blocked'],
    ['none at all', [], 'ENODATA'],
    ['what is no address', ['inside', ''], 'address_blocked'],
    ['three hundred', many, many.slice(0, 8)],
    [
      'three hundred refused ones before an allowed one',
      [...many.map((address) => address.replace('127', '10')), '127.0.0.9'],
      ['127.0.0.9'],
    ],
  ])('judges every answer of a resolver that gives %s', async (_, addresses, expected) => {
    const answers = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const found = await new Promise<unknown>((resolve) =>
      createAddressGuard(['127.0.0.0/8'], (_name, _options, callback) => callback(null, answers)).lookup(
        'host.example',
        { all: true },
        (error, list) => resolve(error === null ? (list as { address: string }[]).map(({ address }) => address) : error.code),
      ),
    );
    expect(found).toEqual(expected);
  });

  it('passes on that there is no such name', async () => {
    await expect(lookedUp([], 'no-such-host.invalid', true)).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    });
  });
});
