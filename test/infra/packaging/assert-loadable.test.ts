import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertLoadable } from '../../../infra/packaging/assert-loadable.ts';
import { lambdaTarget } from '../../../infra/packaging/lambda-target.ts';
import { type ElfSpec, loadable, makeElf } from './made-elf.ts';

const x86 = lambdaTarget('x86_64');
const arm = lambdaTarget('arm64');
const wanting = (...versions: string[]): Partial<ElfSpec> => ({ versions: [versions] });

describe('a native module for Lambda', () => {
  it('passes where it can be loaded, and says how new a system it wants', () => {
    expect(assertLoadable(makeElf(loadable), x86)).toEqual({ newestSymbols: { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.9' } });
    const forArm = { ...loadable, machine: 183, libraries: ['libc.so.6', 'ld-linux-aarch64.so.1'] };
    expect(assertLoadable(makeElf(forArm), arm).newestSymbols).toMatchObject({ GLIBC: '2.34' });
  });

  it.each<[string, Partial<ElfSpec>, string]>([
    ['another processor', { machine: 183 }, 'wrong_machine'],
    ['Node 20', { symbols: ['node_register_module_v115'] }, 'wrong_abi'],
    ['Node 22 and Node 20', { symbols: ['node_register_module_v115', 'node_register_module_v127'] }, 'wrong_abi'],
    ['no Node', { symbols: ['malloc'] }, 'wrong_abi'],
    ['musl', { libraries: ['libc.musl-x86_64.so.1'] }, 'wrong_library'],
    ['a library that somebody has', { libraries: ['libc.so.6', 'libre2.so.9'] }, 'wrong_library'],
    ['a newer glibc', wanting('GLIBC_2.35'), 'symbol_too_new'],
    ['a much newer glibc', wanting('GLIBC_2.100'), 'symbol_too_new'],
    ['a newer libstdc++', wanting('GLIBCXX_3.4.30'), 'symbol_too_new'],
    ['a newer C++ ABI', wanting('CXXABI_1.3.14'), 'symbol_too_new'],
    ['the insides of a glibc', wanting('GLIBC_PRIVATE'), 'symbol_too_new'],
    ['a feature of a newer linker', wanting('GLIBC_ABI_DT_RELR'), 'symbol_too_new'],
    ['an unknown family', wanting('OPENSSL_3.0.0'), 'symbol_too_new'],
  ])('is refused when it is for %s', (_, difference, code) => {
    expect(() => assertLoadable(makeElf({ ...loadable, ...difference }), x86)).toThrow(expect.objectContaining({ code }));
  });

  it('is refused on arm64 when it is for x86-64', () => {
    expect(() => assertLoadable(makeElf(loadable), arm)).toThrow(expect.objectContaining({ code: 'wrong_machine' }));
  });

  it('is refused when it is what npm installed for another Node', () => {
    const installed = readFileSync('node_modules/re2/build/Release/re2.node');
    const target = process.arch === 'arm64' ? arm : x86;
    if (process.versions.modules === String(target.nodeAbi)) return;
    const code = process.platform === 'linux' ? 'wrong_abi' : 'not_elf';
    expect(() => assertLoadable(installed, target)).toThrow(expect.objectContaining({ code }));
  });
});
