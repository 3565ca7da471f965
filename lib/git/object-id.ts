/** Object ids as hexadecimal text, in the two hash functions that git has. */

/** 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. */
export type Oid = string;

export type ObjectFormat = 'sha1' | 'sha256';

export const oidLength: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 };

export const hashBytes: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 };

const zeroOids: Readonly<Record<ObjectFormat, Oid>> = { sha1: '0'.repeat(40), sha256: '0'.repeat(64) };

/** The id that stands for "no such ref" in push commands and empty advertisements. */
export function zeroOid(format: ObjectFormat): Oid {
  return zeroOids[format];
}

export function isZeroOid(oid: Oid): boolean {
  return oid === zeroOids.sha1 || oid === zeroOids.sha256;
}

/** The value of an `object-format` capability; undefined for formats that git does not have. */
export function parseObjectFormat(text: string): ObjectFormat | undefined {
  return text === 'sha1' || text === 'sha256' ? text : undefined;
}
