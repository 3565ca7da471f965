/** Reads of a 64-bit ELF file what decides where it loads: machine, libraries, versions of symbols, names it defines (elf(5), LSB "Symbol Versioning"). */
import { PackagingError } from './packaging-error.ts';

export interface ElfFacts {
  /** `e_machine`: 62 = x86-64, 183 = AArch64. */
  readonly machine: number;
  /** DT_NEEDED, in the file's order. */
  readonly libraries: readonly string[];
  /** Versions of symbols it wants of others, such as `GLIBC_2.34`; each once. */
  readonly wantedVersions: readonly string[];
  /** Names of its dynamic symbols, defined here or wanted. */
  readonly symbols: readonly string[];
}

const sectionTypes = { dynamic: 6, dynamicSymbols: 11, wantedVersions: 0x6ffffffe };
const dynamicNeeded = 1n;
/** More than any file of ours has: a damaged one must not keep us. */
const maxEntries = 1_000_000;

interface Section {
  readonly type: number;
  readonly bytes: Buffer;
  readonly link: number;
}

/** Throws `not_elf` for anything that is not a whole little-endian 64-bit ELF file. Does not look at code. */
export function readElf(file: Uint8Array): ElfFacts {
  try {
    return read(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  } catch (error) {
    if (error instanceof PackagingError) throw error;
    throw new PackagingError('not_elf', 'the native module is damaged: its tables point outside of it', { cause: error });
  }
}

function read(file: Buffer): ElfFacts {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new PackagingError('not_elf', 'the native module is not a 64-bit little-endian ELF file, as Linux loads it');
  }
  const sections = readSections(file);
  const only = (type: number): Section => {
    const found = sections.find((section) => section.type === type);
    if (found === undefined) throw new PackagingError('not_elf', 'the native module is not a shared library');
    return found;
  };
  const stringsOf = ({ link }: Section): Buffer => {
    const strings = sections[link];
    if (strings === undefined) throw new RangeError('a table without its strings');
    return strings.bytes;
  };
  const dynamic = only(sectionTypes.dynamic);
  const symbols = only(sectionTypes.dynamicSymbols);
  const versions = sections.find(({ type }) => type === sectionTypes.wantedVersions);
  return {
    machine: file.readUInt16LE(18),
    libraries: readNeeded(dynamic.bytes, stringsOf(dynamic)),
    wantedVersions: versions === undefined ? [] : readWantedVersions(versions.bytes, stringsOf(versions)),
    symbols: readSymbols(symbols.bytes, stringsOf(symbols)),
  };
}

function readSections(file: Buffer): Section[] {
  const start = Number(file.readBigUInt64LE(40));
  const size = file.readUInt16LE(58);
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const header = slice(file, start + index * size, 64);
    const type = header.readUInt32LE(4);
    const noBits = 8;
    const bytes = type === noBits ? Buffer.alloc(0) : slice(file, Number(header.readBigUInt64LE(24)), Number(header.readBigUInt64LE(32)));
    return { type, link: header.readUInt32LE(40), bytes };
  });
}

function readNeeded(dynamic: Buffer, strings: Buffer): string[] {
  const entries = Array.from({ length: Math.floor(dynamic.length / 16) }, (_, index) => slice(dynamic, index * 16, 16));
  return entries
    .filter((entry) => entry.readBigInt64LE(0) === dynamicNeeded)
    .map((entry) => text(strings, Number(entry.readBigUInt64LE(8))));
}

/** Elf64_Verneed, one per library, each with a chain of Elf64_Vernaux. */
function readWantedVersions(table: Buffer, strings: Buffer): string[] {
  const found = new Set<string>();
  let budget = maxEntries;
  const spend = (): void => {
    if (budget-- <= 0) throw new RangeError('a chain without an end');
  };
  for (let at = 0, next = 1; next !== 0; at += next) {
    spend();
    const library = slice(table, at, 16);
    let version = at + library.readUInt32LE(8);
    for (let left = library.readUInt16LE(2); left > 0; left--) {
      spend();
      const entry = slice(table, version, 16);
      found.add(text(strings, entry.readUInt32LE(8)));
      version += entry.readUInt32LE(12);
    }
    next = library.readUInt32LE(12);
  }
  return [...found];
}

function readSymbols(table: Buffer, strings: Buffer): string[] {
  const count = Math.floor(table.length / 24);
  return Array.from({ length: count }, (_, index) => text(strings, table.readUInt32LE(index * 24))).filter((name) => name !== '');
}

function text(strings: Buffer, at: number): string {
  const end = strings.indexOf(0, at);
  if (at >= strings.length || end < 0) throw new RangeError('a name without an end');
  return strings.toString('latin1', at, end);
}

/** Unlike subarray, refuses what is not there. */
function slice(bytes: Buffer, from: number, length: number): Buffer {
  if (from < 0 || length < 0 || from + length > bytes.length) throw new RangeError('outside of the file');
  return bytes.subarray(from, from + length);
}
