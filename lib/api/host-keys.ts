/** Host keys as people type them, in known_hosts or bare form: checked whole, stored in known_hosts form, shown by their fingerprints. sshd(8). */
import { createHash } from 'node:crypto';

const maxHostKeys = 10;

const keyTypes: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]);

export interface HostKeyFingerprint {
  readonly type: string;
  /** `SHA256:` and base64 without padding. */
  readonly sha256: string;
  /** Pairs of hexadecimal digits, separated by colons. */
  readonly md5: string;
}

/**
 * All or none: the lines to store, without repetitions, or what is wrong. `host` (`name` or `[name]:port`) goes in front of a key that came without one.
 * Empty lines and comments are skipped. Never repeats what was given.
 */
export function parseHostKeys(given: readonly string[], host: string): readonly string[] | { readonly fault: string } {
  const lines = given
    .flatMap((entry) => entry.split(/\r?\n/))
    .map((line) => line.replaceAll('\t', ' ').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length > maxHostKeys) return { fault: `too many host keys (maximum is ${maxHostKeys})` };
  const stored: string[] = [];
  for (const [index, line] of lines.entries()) {
    const key = parseLine(line, host);
    if (key === undefined) return { fault: `Invalid SSH host key (number ${index + 1}): give "TYPE KEY" or "HOST TYPE KEY"` };
    stored.push(key);
  }
  return [...new Set(stored)];
}

/** Of a stored line; undefined if it cannot be read. */
export function hostKeyFingerprint(stored: string): HostKeyFingerprint | undefined {
  const [, type, encoded] = stored.split(' ');
  if (type === undefined || encoded === undefined) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  const md5 = createHash('md5').update(blob).digest('hex');
  return {
    type,
    sha256: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    md5: md5.replace(/..(?!$)/g, '$&:'),
  };
}

/** Markers (@cert-authority, @revoked) are refused: they ask for more than comparing keys. */
function parseLine(line: string, host: string): string | undefined {
  const [, givenHost = host, type = '', rest = ''] = /^(?:([!-?A-~][!-~]*) +)?([a-z0-9-]+) +(.*)$/.exec(line) ?? [];
  if (!keyTypes.has(type)) return undefined;
  const encoded = keyOf(type, rest);
  return encoded === undefined ? undefined : `${givenHost} ${type} ${encoded}`;
}

/** Forms turn the + of base64 into a space: the shortest beginning that makes a whole key is taken; what follows is a comment. */
function keyOf(type: string, rest: string): string | undefined {
  for (let end = rest.indexOf(' '); ; end = rest.indexOf(' ', end + 1)) {
    const encoded = (end < 0 ? rest : rest.slice(0, end)).replaceAll(' ', '+');
    if (isWholeKey(type, encoded)) return encoded;
    if (end < 0) return undefined;
  }
}

/** RFC 4253 §6.6: a sequence of fields, each with its length in front; the first is the type. */
function isWholeKey(type: string, encoded: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return false;
  const blob = Buffer.from(encoded, 'base64');
  if (blob.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return false;
  const fields: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return false;
    const length = blob.readUInt32BE(at);
    if (at + 4 + length > blob.length) return false;
    fields.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields[0]?.toString('latin1') === type && fields.length === (fieldCounts[type] ?? 3);
}

/** Type and key; type, curve and point; type, exponent and modulus. */
const fieldCounts: Readonly<Record<string, number>> = { 'ssh-ed25519': 2 };
