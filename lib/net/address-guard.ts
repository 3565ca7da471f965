/** Decides which IP addresses gitferry connects to (protection against SSRF): public unicast, and what a setting allows. */
import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

export interface AddressGuard {
  /** The reason why this address is refused (`loopback`, `private`, ...), or undefined if it may be connected to. */
  refusal(address: string): string | undefined;
  /** Throws `address_blocked` if `host` is an IP literal that is refused; names are left to `lookup`. */
  checkLiteral(host: string): void;
  /** dns.lookup for `net.connect`: resolves once and hands out checked addresses only, so that nothing is looked up again. */
  readonly lookup: LookupFunction;
}

/** Asks for all addresses of a name: node:dns.lookup, but in tests. */
export type ResolveName = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, answers: LookupAddress[]) => void,
) => void;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** IPv6 ranges that carry an IPv4 address, and where in the 16 bytes it stands. */
const embeddings: readonly { readonly range: [ipaddr.IPv6, number]; readonly at: number; readonly inverted?: boolean }[] = [
  { range: v6('::ffff:0:0/96'), at: 12 }, // IPv4-mapped, RFC 4291
  { range: v6('::ffff:0:0:0/96'), at: 12 }, // IPv4-translated, RFC 2765
  { range: v6('::/96'), at: 12 }, // IPv4-compatible, RFC 4291 (deprecated)
  { range: v6('64:ff9b::/96'), at: 12 }, // NAT64, RFC 6052
  { range: v6('2002::/16'), at: 2 }, // 6to4, RFC 3056
  { range: v6('2001::/32'), at: 4 }, // Teredo server, RFC 4380
  { range: v6('2001::/32'), at: 12, inverted: true }, // Teredo client
];

/** Outside these, IPv6 unicast is not (yet) global: RFC 4291 §2.4 and the IANA special-purpose registry. */
const globalUnicast = v6('2000::/3');
const specialV6: readonly (readonly [string, [ipaddr.IPv6, number]])[] = [
  ['documentation', v6('2001:db8::/32')],
  ['documentation', v6('3fff::/20')],
  ['special-purpose', v6('2001::/23')],
];

function v6(cidr: string): [ipaddr.IPv6, number] {
  return ipaddr.IPv6.parseCIDR(cidr);
}

/** Names for ipaddr.js' ranges; everything but `unicast` is refused. */
const rangeNames: Readonly<Record<string, string>> = {
  broadcast: 'broadcast',
  carrierGradeNat: 'shared (100.64.0.0/10)',
  linkLocal: 'link-local',
  loopback: 'loopback',
  multicast: 'multicast',
  private: 'private',
  reserved: 'reserved',
  uniqueLocal: 'private',
  unspecified: 'unspecified',
};

function embeddedV4(address: ipaddr.IPv6): ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  const found: ipaddr.IPv4[] = [];
  for (const { range, at, inverted } of embeddings) {
    if (address.match(range)) found.push(new ipaddr.IPv4(bytes.slice(at, at + 4).map((byte) => (inverted ? byte ^ 0xff : byte))));
  }
  return found;
}

function refusalV4(address: ipaddr.IPv4): string | undefined {
  const range = address.range();
  if (address.match(ipaddr.IPv4.parse('192.88.99.0'), 24)) return 'reserved'; // 6to4 relays, RFC 7526
  return range === 'unicast' ? undefined : (rangeNames[range] ?? 'special-purpose');
}

function refusalV6(address: ipaddr.IPv6): string | undefined {
  for (const [name, range] of specialV6) {
    // Teredo (2001::/32) lies inside 2001::/23: it is judged by the addresses it carries, below.
    if (address.match(range) && !address.match(v6('2001::/32'))) return name;
  }
  const range = address.range();
  if (!address.match(globalUnicast)) return rangeNames[range] ?? 'special-purpose';
  return undefined;
}

function matchesAny(address: Address, allowed: readonly [Address, number][]): boolean {
  return allowed.some(([network, bits]) => network.kind() === address.kind() && address.match(network as never, bits));
}

/** Parses one CIDR or address of an exceptions list; throws `invalid_arguments`. */
export function parseCidr(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    if (text.includes('/')) {
      if (!ipaddr.IPv4.isValidFourPartDecimal(text.split('/')[0] ?? '') && !text.includes(':')) throw new Error('not four parts');
      return ipaddr.parseCIDR(text);
    }
    const address = parseLiteral(text);
    if (address !== undefined) return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    // Fall through to the coded error.
  }
  // Anything else may be a password in the wrong place.
  const shown = /^[\da-f]*[.:/][\da-f.:/]*$/i.test(text) ? text : 'One of the addresses to allow';
  throw new GitferryError('invalid_arguments', { detail: `${shown} is not a CIDR range such as 10.1.0.0/16 or fd00::/8.` });
}

/** Whether `parseCidr` takes it. */
export function isCidr(text: string): boolean {
  try {
    parseCidr(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The address that a host part names if it is an IP literal in any form that a connect call would take: dotted, decimal, octal,
 * hexadecimal, short (127.1), IPv6 with or without brackets and zone. Undefined for names.
 */
function parseLiteral(host: string): Address | undefined {
  const [bare = ''] = host.replace(/^\[|\]$/g, '').split('%', 1);
  if (ipaddr.IPv4.isValid(bare)) return ipaddr.IPv4.parse(bare);
  if (ipaddr.IPv6.isValid(bare)) return ipaddr.IPv6.parse(bare);
  return undefined;
}

/** Who tries them in turn shall not call hundreds of strangers in a name's name. */
function firstOfEachFamily(answers: readonly LookupAddress[]): LookupAddress[] {
  const seen = new Map<number, number>();
  return answers.filter(({ family }) => {
    const before = seen.get(family) ?? 0;
    seen.set(family, before + 1);
    return before < limits.addressesOfFamily;
  });
}

/** A guard that refuses everything but public unicast addresses and `allow` (a list of CIDRs; an entry also allows the IPv6 forms of its IPv4 addresses). */
export function createAddressGuard(allow: readonly string[], resolveName: ResolveName = dnsLookup): AddressGuard {
  const allowed = allow.map(parseCidr);

  function refusal(text: string): string | undefined {
    const address = parseLiteral(text);
    if (address === undefined) return 'unreadable';
    if (matchesAny(address, allowed)) return undefined;
    if (address instanceof ipaddr.IPv4) return refusalV4(address);
    const inner = embeddedV4(address);
    // :: and ::1 are IPv4-compatible in form only.
    if (inner.length === 0 || ['unspecified', 'loopback'].includes(address.range())) return refusalV6(address);
    for (const v4 of inner) {
      const reason = matchesAny(v4, allowed) ? undefined : refusalV4(v4);
      if (reason !== undefined) return `${reason} (as ${v4.toString()})`;
    }
    return undefined;
  }

  function blocked(host: string, address: string, reason: string): GitferryError {
    const at = host === address ? address : `${host} is at ${address}`;
    return new GitferryError('address_blocked', { detail: `${at}: ${reason} address.` });
  }

  const lookup: LookupFunction = (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, answers) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const [answer] = answers;
      if (answer === undefined) {
        callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENODATA' }), '', 0);
        return;
      }
      const usable = firstOfEachFamily(answers.filter(({ address }) => refusal(address) === undefined));
      const first = usable[0];
      if (first === undefined) {
        const refused = answer.address;
        callback(blocked(hostname, refused, refusal(refused) ?? 'unusable') as NodeJS.ErrnoException, '', 0);
      } else if (options.all === true) {
        callback(null, usable);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };

  return {
    refusal,
    checkLiteral(host) {
      if (parseLiteral(host) === undefined) return;
      const reason = refusal(host);
      if (reason !== undefined) throw blocked(host, host, reason);
    },
    lookup,
  };
}
