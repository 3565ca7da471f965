/** Shared libraries made from a description: only the tables that say where one loads. */

export interface ElfSpec {
  readonly machine: number;
  readonly libraries: readonly string[];
  /** Per library, versions of its symbols. */
  readonly versions: readonly (readonly string[])[];
  readonly symbols: readonly string[];
}

/** What Lambda on x86-64 takes. */
export const loadable: ElfSpec = {
  machine: 62,
  libraries: ['libstdc++.so.6', 'libc.so.6'],
  versions: [
    ['GLIBCXX_3.4', 'GLIBCXX_3.4.29', 'CXXABI_1.3.9'],
    ['GLIBC_2.2.5', 'GLIBC_2.34'],
  ],
  symbols: ['node_register_module_v127', 'malloc'],
};

interface Section {
  readonly type: number;
  readonly link: number;
  readonly bytes: Buffer;
}

const headerBytes = 64;

export function makeElf({ machine, libraries, versions, symbols }: ElfSpec): Buffer {
  const strings = new Strings();
  const dynamic = Buffer.concat([...libraries.map((name) => pair(1n, BigInt(strings.add(name)))), pair(0n, 0n)]);
  const symbolTable = Buffer.concat([
    Buffer.alloc(24),
    ...symbols.map((name) => {
      const entry = Buffer.alloc(24);
      entry.writeUInt32LE(strings.add(name));
      return entry;
    }),
  ]);
  const wanted = wantedVersions(versions, strings);
  const sections: Section[] = [
    { type: 0, link: 0, bytes: Buffer.alloc(0) },
    { type: 6, link: 4, bytes: dynamic },
    { type: 11, link: 4, bytes: symbolTable },
    ...(wanted.length === 0 ? [{ type: 1, link: 0, bytes: wanted }] : [{ type: 0x6ffffffe, link: 4, bytes: wanted }]),
    { type: 3, link: 0, bytes: strings.bytes() },
  ];
  return lay(machine, sections);
}

class Strings {
  #text = '\0';

  add(name: string): number {
    const at = this.#text.length;
    this.#text += `${name}\0`;
    return at;
  }

  bytes(): Buffer {
    return Buffer.from(this.#text, 'latin1');
  }
}

function pair(tag: bigint, value: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(tag, 0);
  bytes.writeBigUInt64LE(value, 8);
  return bytes;
}

function wantedVersions(libraries: readonly (readonly string[])[], strings: Strings): Buffer {
  return Buffer.concat(
    libraries.flatMap((names, index) => {
      const library = Buffer.alloc(16);
      library.writeUInt16LE(1, 0);
      library.writeUInt16LE(names.length, 2);
      library.writeUInt32LE(16, 8);
      library.writeUInt32LE(index === libraries.length - 1 ? 0 : 16 * (names.length + 1), 12);
      const entries = names.map((name, at) => {
        const entry = Buffer.alloc(16);
        entry.writeUInt32LE(strings.add(name), 8);
        entry.writeUInt32LE(at === names.length - 1 ? 0 : 16, 12);
        return entry;
      });
      return [library, ...entries];
    }),
  );
}

function lay(machine: number, sections: readonly Section[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(BigInt(headerBytes), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(sections.length, 60);
  let offset = headerBytes + sections.length * 64;
  const headers = sections.map(({ type, link, bytes }) => {
    const entry = Buffer.alloc(64);
    entry.writeUInt32LE(type, 4);
    entry.writeBigUInt64LE(BigInt(offset), 24);
    entry.writeBigUInt64LE(BigInt(bytes.length), 32);
    entry.writeUInt32LE(link, 40);
    offset += bytes.length;
    return entry;
  });
  return Buffer.concat([header, ...headers, ...sections.map(({ bytes }) => bytes)]);
}
