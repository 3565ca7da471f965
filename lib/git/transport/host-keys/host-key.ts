/** SSH host keys: which types are taken, what a whole key looks like, and its fingerprints as `ssh-keygen -l` prints them. */
import { createHash } from 'node:crypto';

export interface HostKey {
  readonly type: string;
  /** As on the wire, RFC 4253 §6.6. */
  readonly key: Buffer;
}

export interface HostKeyFingerprint {
  readonly type: string;
  /** The name ssh-keygen gives the type: `ED25519`, `ECDSA`, `RSA`. */
  readonly label: string;
  readonly bits: number;
  /** `SHA256:` and base64 without padding. */
  readonly sha256: string;
  /** `MD5:` and pairs of hexadecimal digits, separated by colons. */
  readonly md5: string;
}

/** What a key of a type consists of behind its name: how many fields, and how many bits it has if it is whole. */
interface KeyForm {
  readonly label: string;
  /** undefined = not such a key. */
  bits(fields: readonly Buffer[]): number | undefined;
}

/** ssh-keygen takes no shorter ones either. */
const shortestRsaBits = 1024;
const longestRsaBits = 16_384;

const forms: Readonly<Record<string, KeyForm>> = {
  'ssh-ed25519': { label: 'ED25519', bits: ([point, ...more]) => (point?.length === 32 && more.length === 0 ? 256 : undefined) },
  'ecdsa-sha2-nistp256': ecdsa('nistp256', 256),
  'ecdsa-sha2-nistp384': ecdsa('nistp384', 384),
  'ecdsa-sha2-nistp521': ecdsa('nistp521', 521),
  'ssh-rsa': { label: 'RSA', bits: rsaBits },
};

/** Every type that is taken, the one to prefer first. Certificates, DSA and security keys are not. */
export const hostKeyTypes: readonly string[] = Object.keys(forms);

/** The key that this base64 holds; undefined unless it is one whole key of this type and nothing else. */
export function readHostKey(type: string, encoded: string): HostKey | undefined {
  if (!Object.hasOwn(forms, type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const key = Buffer.from(encoded, 'base64');
  if (key.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return undefined;
  return bitsOf({ type, key }) === undefined ? undefined : { type, key };
}

/** Of a whole key. */
export function fingerprintOf({ type, key }: HostKey): HostKeyFingerprint {
  const md5 = createHash('md5').update(key).digest('hex');
  return {
    type,
    label: forms[type]?.label ?? type,
    bits: bitsOf({ type, key }) ?? 0,
    sha256: `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`,
    md5: `MD5:${md5.replace(/..(?!$)/g, '$&:')}`,
  };
}

function bitsOf({ type, key }: HostKey): number | undefined {
  const [name, ...fields] = fieldsOf(key) ?? [];
  return name?.toString('latin1') === type ? forms[type]?.bits(fields) : undefined;
}

/** RFC 4251 §5: a sequence of strings, each with its length in front. undefined if it does not come out even. */
function fieldsOf(key: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < key.length; ) {
    if (at + 4 > key.length) return undefined;
    const end = at + 4 + key.readUInt32BE(at);
    if (end > key.length) return undefined;
    fields.push(key.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** Curve and point, RFC 5656 §3.1; points are sent uncompressed. */
function ecdsa(curve: string, bits: number): KeyForm {
  const pointBytes = 1 + 2 * Math.ceil(bits / 8);
  return {
    label: 'ECDSA',
    bits: ([name, point, ...more]) =>
      name?.toString('latin1') === curve && point?.length === pointBytes && point[0] === 4 && more.length === 0 ? bits : undefined,
  };
}

/** Exponent and modulus, both positive. */
function rsaBits([exponent, modulus, ...more]: readonly Buffer[]): number | undefined {
  if (exponent === undefined || exponent.length === 0 || modulus === undefined || more.length > 0) return undefined;
  const digits = modulus[0] === 0 ? modulus.subarray(1) : modulus;
  const first = digits[0] ?? 0;
  if (first === 0 || (digits === modulus && first > 0x7f)) return undefined;
  const bits = (digits.length - 1) * 8 + (32 - Math.clz32(first));
  return bits < shortestRsaBits || bits > longestRsaBits ? undefined : bits;
}
