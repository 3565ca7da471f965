/** The Node that Lambda runs, on this machine: to compile against and to prove packages with. */
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache-folder.ts';
import type { LambdaTarget } from './lambda-target.ts';
import { PackagingError } from './packaging-error.ts';
import { runProgram } from './run-program.ts';

export interface LambdaRuntime {
  /** Of this version of Node. */
  readonly id: string;
  /** Of Node's installation: bin/node, include/node. */
  readonly folder: string;
  /** The program. */
  readonly node: string;
}

const files = ['package.json', 'package-lock.json'];

/**
 * Installs infra/lambda-runtime (`npm ci`, pinned, no scripts) the first time. undefined where this machine cannot run it: not Linux, or another processor.
 * Rejects with `cannot_build` if it cannot be installed.
 */
export async function lambdaRuntime(target: LambdaTarget, root: string, cacheFolder: string): Promise<LambdaRuntime | undefined> {
  if (process.platform !== 'linux' || process.arch !== target.nodeArch) return undefined;
  const source = join(root, 'infra/lambda-runtime');
  const lock = await readFile(join(source, 'package-lock.json'));
  const id = `node-${target.nodeArch}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`;
  const place = await cached(cacheFolder, id, (folder) => install(source, folder));
  const folder = join(place, 'node_modules', `node-linux-${target.nodeArch}`);
  return { id, folder, node: join(folder, 'bin/node') };
}

async function install(source: string, folder: string): Promise<void> {
  for (const file of files) await copyFile(join(source, file), join(folder, file));
  try {
    await runProgram('npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'], { folder });
  } catch (error) {
    throw new PackagingError('cannot_build', `Lambda's Node cannot be installed (infra/lambda-runtime): ${(error as Error).message}`, {
      cause: error,
    });
  }
}
