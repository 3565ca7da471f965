import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readElf } from '../../../infra/packaging/elf.ts';
import { PackagingError } from '../../../infra/packaging/packaging-error.ts';
import { loadable, makeElf } from './made-elf.ts';

const name = fc.stringMatching(/^[A-Za-z0-9_.+]{1,20}$/);
const specs = fc.record({
  machine: fc.nat(0xffff),
  libraries: fc.array(name, { maxLength: 5 }),
  versions: fc.array(fc.array(name, { minLength: 1, maxLength: 5 }), { maxLength: 4 }),
  symbols: fc.array(name, { maxLength: 20 }),
});

/** The code it is refused with, or undefined. Anything but a coded error is thrown on. */
function refusalOf(bytes: Uint8Array): string | undefined {
  try {
    readElf(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof PackagingError) return error.code;
    throw error;
  }
}

describe('reading an ELF file', () => {
  it('finds what was put into it', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const { machine, libraries, symbols, wantedVersions } = readElf(makeElf(spec));
        expect({ machine, libraries, symbols }).toEqual({ machine: spec.machine, libraries: spec.libraries, symbols: spec.symbols });
        expect(new Set(wantedVersions)).toEqual(new Set(spec.versions.flat()));
      }),
    );
  });

  it('refuses what is cut short, wherever', () => {
    const whole = makeElf(loadable);
    fc.assert(fc.property(fc.nat(whole.length - 1), (length) => refusalOf(whole.subarray(0, length)) === 'not_elf'));
  });

  it('answers or refuses, and ends, whatever is changed in it', () => {
    const change = fc.record({ at: fc.nat(makeElf(loadable).length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = makeElf(loadable);
        for (const { at, to } of changes) bytes[at] = to;
        expect([undefined, 'not_elf']).toContain(refusalOf(bytes));
      }),
    );
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('not a library, '.repeat(10))],
    ['a Windows library', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500)])],
    ['a Mach-O library', Buffer.concat([Buffer.from('cffaedfe', 'hex'), Buffer.alloc(500)])],
    ['a 32-bit library', Buffer.concat([Buffer.from('7f454c460101', 'hex'), makeElf(loadable).subarray(6)])],
    ['a program without tables', makeElf(loadable).fill(0, 60, 62)],
  ])('refuses %s', (_, bytes) => {
    expect(refusalOf(bytes)).toBe('not_elf');
  });

  it.skipIf(process.platform !== 'linux')('reads the module that npm built for this Node', () => {
    const facts = readElf(readFileSync('node_modules/re2/build/Release/re2.node'));
    expect(facts.machine).toBe(process.arch === 'arm64' ? 183 : 62);
    expect(facts.symbols).toContain(`node_register_module_v${process.versions.modules}`);
    expect(facts.libraries).toContain('libc.so.6');
    expect(facts.wantedVersions).toContain(process.arch === 'arm64' ? 'GLIBC_2.17' : 'GLIBC_2.2.5');
  });
});
