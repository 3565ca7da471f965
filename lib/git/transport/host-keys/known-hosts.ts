/** Host keys as people type them and files hold them: known_hosts lines and bare keys, checked and matched against one host. sshd(8). */

import { createHmac } from 'node:crypto';
import { isEqualInConstantTime } from '../../../core/constant-time.ts';
import { GitferryError } from '../../../core/errors.ts';
import { printable } from '../../../core/printable.ts';
import { parseRepositoryUrl } from '../repository-url.ts';
import { defaultPorts } from '../same-host.ts';
import { fingerprintOf, type HostKey, type HostKeyFingerprint, hostKeyTypes, readHostKey } from './host-key.ts';

/** Whose keys they are. */
export interface HostPlace {
  /** Without brackets. */
  readonly host: string;
  /** undefined = 22. */
  readonly port: number | undefined;
}

/** GitLab's own limit. */
const maxHostKeys = 10;
const shownCharacters = 60;
/** An RSA key of 16,384 bits has 2,800. */
const maxEncodedCharacters = 4096;

/** The host of an ssh:// URL that may name no repository. Throws the codes of `parseRepositoryUrl`, and `invalid_url` for other schemes. */
export function parseHostPlace(text: string, field: string): HostPlace {
  const { scheme, host, port } = parseRepositoryUrl(/^ssh:\/\/[^/]+\/?$/i.test(text) ? `${text.replace(/\/$/, '')}/any` : text, field).url;
  if (scheme !== 'ssh')
    throw new GitferryError('invalid_url', { detail: `${field}: it must begin with ssh://, other hosts have no host keys.` });
  return { host, port };
}

/** How known_hosts names a host: `name`, or `[name]:port` where the port is not 22. */
export function knownHostsName({ host, port }: HostPlace): string {
  const name = host.toLowerCase();
  return port === undefined || port === defaultPorts.ssh ? name : `[${name}]:${port}`;
}

/** As it is stored and as known_hosts holds it: `host type key`. */
export function knownHostsLine(place: HostPlace, { type, key }: HostKey): string {
  return `${knownHostsName(place)} ${type} ${key.toString('base64')}`;
}

/**
 * All or none: the lines to store, under the host's own name and without repetitions, or what is wrong. Takes `TYPE KEY` and known_hosts lines (lists,
 * wildcards, negation, hashed names) that are about this host; comments and empty lines are skipped. What is no key is never repeated: it may be a secret.
 */
export function parseHostKeys(given: readonly string[], place: HostPlace): readonly string[] | { readonly fault: string } {
  const lines = given.flatMap(linesOf);
  if (lines.length > maxHostKeys) return { fault: `too many host keys (maximum is ${maxHostKeys})` };
  const stored: string[] = [];
  for (const [index, line] of lines.entries()) {
    const parsed = parseLine(line);
    const fault = 'fault' in parsed ? parsed.fault : faultOfHosts(parsed.hosts, place);
    if (fault !== undefined) return { fault: `Invalid SSH host key (number ${index + 1}): ${fault}` };
    if ('key' in parsed) stored.push(knownHostsLine(place, parsed.key));
  }
  return [...new Set(stored)];
}

/** The lines to store of a whole known_hosts file: those about this host. Others, unknown types and markers are passed over; a key marked as revoked is left out. */
export function selectHostKeys(file: string, place: HostPlace): readonly string[] {
  const stored = new Set<string>();
  const revoked = new Set<string>();
  for (const line of linesOf(file)) {
    const marker = /^@(\S+) +/.exec(line);
    if (marker !== null && marker[1] !== 'revoked') continue;
    const parsed = parseLine(line.slice(marker?.[0].length ?? 0));
    if ('fault' in parsed || parsed.hosts === undefined || !isAbout(parsed.hosts, place)) continue;
    (marker === null ? stored : revoked).add(knownHostsLine(place, parsed.key));
  }
  return [...stored].filter((line) => !revoked.has(line));
}

/** The key of a stored line; undefined if it cannot be read. */
export function storedHostKey(line: string): HostKey | undefined {
  const [, type = '', encoded = ''] = line.split(' ');
  return readHostKey(type, encoded);
}

/** Of a stored line; undefined if it cannot be read. */
export function hostKeyFingerprint(line: string): HostKeyFingerprint | undefined {
  const key = storedHostKey(line);
  return key === undefined ? undefined : fingerprintOf(key);
}

function linesOf(text: string): string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.replaceAll('\t', ' ').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** `hosts` is undefined for a bare key. */
type ParsedLine = { readonly hosts: string | undefined; readonly key: HostKey } | { readonly fault: string };

function parseLine(line: string): ParsedLine {
  // They ask for more than comparing keys.
  if (line.startsWith('@')) return { fault: 'markers (@cert-authority, @revoked) are not taken' };
  const [first = '', rest = ''] = cut(line);
  const isBare = hostKeyTypes.includes(first);
  const [type = '', encoded = ''] = isBare ? [first, rest] : cut(rest);
  const key = keyOf(type, encoded);
  if (key !== undefined && /^[!-~]+$/.test(first)) return { hosts: isBare ? undefined : first, key };
  return { fault: `give "TYPE KEY" or "HOST TYPE KEY", the type being one of ${hostKeyTypes.join(', ')}` };
}

function cut(text: string): [string, string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space).trimStart()];
}

/** Forms turn the + of base64 into a space: the shortest beginning that makes a whole key is taken; what follows is a comment. */
function keyOf(type: string, rest: string): HostKey | undefined {
  if (!hostKeyTypes.includes(type)) return undefined;
  for (let end = rest.indexOf(' '); ; end = rest.indexOf(' ', end + 1)) {
    const key = readHostKey(type, (end < 0 ? rest : rest.slice(0, end)).replaceAll(' ', '+'));
    if (key !== undefined || end < 0 || end > maxEncodedCharacters) return key;
  }
}

function faultOfHosts(hosts: string | undefined, place: HostPlace): string | undefined {
  if (hosts === undefined || isAbout(hosts, place)) return undefined;
  const named = hosts.startsWith('|') ? 'a host whose name is hashed' : printable(hosts.slice(0, shownCharacters));
  return `it is the key of ${named}, not of ${knownHostsName(place)}`;
}

/** Where the port is not 22, a line about the host without a port counts as well, as it does for ssh(1). */
function isAbout(hosts: string, place: HostPlace): boolean {
  return [...new Set([knownHostsName(place), place.host.toLowerCase()])].some((name) => namesHost(hosts, name));
}

function namesHost(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return isHashOf(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1), name))) return false;
  return patterns.some((pattern) => matches(pattern, name));
}

/** `|1|SALT|HASH`: HMAC-SHA1 of the name. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt = '', hash = '', ...more] = hashed.split('|');
  if (version !== '1' || more.length > 0) return false;
  const expected = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return isEqualInConstantTime(Buffer.from(hash, 'base64'), expected);
}

/** ssh's patterns: `*` any characters, `?` one. In a time that grows with the product of the lengths, whatever the pattern. */
function matches(pattern: string, name: string): boolean {
  let [at, inPattern, star, resume] = [0, 0, -1, 0];
  while (at < name.length) {
    const expected = pattern[inPattern];
    if (expected === '*') {
      [star, resume] = [inPattern++, at];
    } else if (expected === '?' || expected === name[at]) {
      at++;
      inPattern++;
    } else if (star >= 0) {
      // The last star takes one character more.
      [inPattern, at] = [star + 1, ++resume];
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(inPattern));
}
