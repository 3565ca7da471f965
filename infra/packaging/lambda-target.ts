/** What Lambda's nodejs22.x offers a native module: Amazon Linux 2023 and Node 22. */
import { PackagingError } from './packaging-error.ts';

export type Architecture = 'x86_64' | 'arm64';

export interface LambdaTarget {
  readonly architecture: Architecture;
  /** `process.arch` there. */
  readonly nodeArch: 'x64' | 'arm64';
  /** `e_machine` of its ELF files. */
  readonly elfMachine: number;
  readonly nodeMajor: number;
  /** `process.versions.modules` there. */
  readonly nodeAbi: number;
  /** Highest version of each family of symbols that its libraries have. */
  readonly newestSymbols: Readonly<Record<string, string>>;
  /** Shared libraries that are there. */
  readonly libraries: readonly string[];
}

/** Amazon Linux 2023 has glibc 2.34, and libstdc++ and libgcc of GCC 11. */
const amazonLinux2023 = {
  nodeMajor: 22,
  nodeAbi: 127,
  newestSymbols: { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13', GCC: '11.0.0' },
} as const;
const libraries = ['libstdc++.so.6', 'libm.so.6', 'libgcc_s.so.1', 'libc.so.6', 'libpthread.so.0', 'libdl.so.2', 'librt.so.1'];

const targets: readonly LambdaTarget[] = [
  { ...amazonLinux2023, architecture: 'x86_64', nodeArch: 'x64', elfMachine: 62, libraries: [...libraries, 'ld-linux-x86-64.so.2'] },
  { ...amazonLinux2023, architecture: 'arm64', nodeArch: 'arm64', elfMachine: 183, libraries: [...libraries, 'ld-linux-aarch64.so.1'] },
];

/** Takes Lambda's own names. Throws `unknown_architecture`. */
export function lambdaTarget(architecture: string): LambdaTarget {
  const found = targets.find((target) => target.architecture === architecture);
  if (found === undefined) throw new PackagingError('unknown_architecture', 'the architecture is x86_64 or arm64');
  return found;
}
