/** Refuses a native module that Lambda could not load, before it gets into a package. */
import { readElf } from './elf.ts';
import type { LambdaTarget } from './lambda-target.ts';
import { PackagingError } from './packaging-error.ts';

export interface Loadable {
  /** Highest version wanted of each family: `{ GLIBC: '2.34', ... }`. */
  readonly newestSymbols: Readonly<Record<string, string>>;
}

/**
 * Resolves what was found. Throws `not_elf`, `wrong_machine`, `wrong_abi` (built for another Node), `wrong_library` (musl, or one that Amazon Linux 2023 has not)
 * or `symbol_too_new` (built against a newer glibc or libstdc++). Whether it does its work is not seen here: that needs a Node 22.
 */
export function assertLoadable(nativeModule: Uint8Array, target: LambdaTarget): Loadable {
  const { machine, libraries, wantedVersions, symbols } = readElf(nativeModule);
  if (machine !== target.elfMachine) {
    throw new PackagingError(
      'wrong_machine',
      `the native module is for ELF machine ${machine}; ${target.architecture} is ${target.elfMachine}`,
    );
  }
  assertAbi(symbols, target);
  const strange = libraries.filter((library) => !target.libraries.includes(library));
  if (strange.length > 0) {
    throw new PackagingError(
      'wrong_library',
      `the native module needs ${strange.join(', ')}, which Amazon Linux 2023 does not have for us`,
    );
  }
  return { newestSymbols: assertVersions(wantedVersions, target) };
}

/** The name under which Node finds the module's start holds the ABI. */
function assertAbi(symbols: readonly string[], { nodeAbi, nodeMajor }: LambdaTarget): void {
  const abis = symbols.flatMap((name) => /^node_register_module_v(\d+)$/.exec(name)?.[1] ?? []);
  if (abis.length === 0 || abis.some((abi) => Number(abi) !== nodeAbi)) {
    const found = abis.length === 0 ? 'no Node at all' : `Node ABI ${[...new Set(abis)].join(', ')}`;
    throw new PackagingError('wrong_abi', `the native module is for ${found}; Node ${nodeMajor} is ABI ${nodeAbi}`);
  }
}

function assertVersions(wantedVersions: readonly string[], { newestSymbols }: LambdaTarget): Record<string, string> {
  const newest: Record<string, string> = {};
  for (const wanted of wantedVersions) {
    const [, family = '', version = ''] = /^([A-Z]+)_(\d+(?:\.\d+)*)$/.exec(wanted) ?? [];
    const limit = newestSymbols[family];
    // Names without a number (GLIBC_PRIVATE) and other families are promises of nobody.
    if (limit === undefined || compareVersions(version, limit) > 0) {
      throw new PackagingError(
        'symbol_too_new',
        `the native module wants ${wanted}; Amazon Linux 2023 has ${limit === undefined ? 'no such family' : `up to ${family}_${limit}`}. Build on a Linux that is not newer: Debian 12, Ubuntu 22.04 or Amazon Linux 2023`,
      );
    }
    const known = newest[family];
    if (known === undefined || compareVersions(version, known) > 0) newest[family] = version;
  }
  return newest;
}

function compareVersions(left: string, right: string): number {
  const [a, b] = [left.split('.').map(Number), right.split('.').map(Number)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
