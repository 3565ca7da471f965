/** re2's native module for the Node that is deployed on: npm builds it for the Node that installs, which Lambda could not load. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { assertLoadable, type Loadable } from './assert-loadable.ts';
import { cached } from './cache-folder.ts';
import type { LambdaRuntime } from './lambda-runtime.ts';
import type { LambdaTarget } from './lambda-target.ts';
import { PackagingError } from './packaging-error.ts';
import { runProgram, runScript } from './run-program.ts';

export interface NativeRe2 extends Loadable {
  readonly bytes: Buffer;
}

export interface NativeRe2Input {
  readonly target: LambdaTarget;
  readonly runtime: LambdaRuntime | undefined;
  /** The project's folder. */
  readonly root: string;
  readonly cacheFolder: string;
}

const built = 'build/Release/re2.node';
/** No line of debugging information, no name of a folder: the same sources and compiler give the same bytes, a fifteenth of the size. */
const compilerFlags = (folder: string) => ({
  CXXFLAGS: `-g0 -ffile-prefix-map=${folder}=.`,
  LDFLAGS: '-s -Wl,--build-id=none',
});
/** Part of the cache's key: raise it when the way of building changes. */
const recipe = 1;

/**
 * Built from the installed package's own sources where this machine can run the target's Node, which takes about a minute once; otherwise taken from re2's
 * releases by the package's own installer. Rejects with `cannot_build`, or as `assertLoadable` does.
 */
export async function nativeRe2({ target, runtime, root, cacheFolder }: NativeRe2Input): Promise<NativeRe2> {
  const source = join(root, 'node_modules/re2');
  const parts = [
    await versionOf(source),
    await versionOf(join(root, 'node_modules/nan')),
    runtime?.id ?? 'released',
    runtime === undefined ? '' : await compilerVersion(root),
  ];
  const key = createHash('sha256')
    .update(JSON.stringify([recipe, ...parts, target]))
    .digest('hex')
    .slice(0, 12);
  const place = await cached(cacheFolder, `re2-${target.nodeAbi}-${target.nodeArch}-${key}`, async (folder) => {
    const work = join(folder, 'work');
    await copySources(source, work);
    const make = runtime === undefined ? fetchReleased(work, target, root) : compile(work, runtime, root);
    await make.catch((error: unknown) => {
      const message = `re2 cannot be built for Node ${target.nodeMajor} on ${target.architecture}: ${(error as Error).message}`;
      throw new PackagingError('cannot_build', message, { cause: error });
    });
    const bytes = await readFile(join(work, built));
    // What is wrong does not even stay in the cache.
    assertLoadable(bytes, target);
    await writeFile(join(folder, 're2.node'), bytes);
    await rm(work, { recursive: true });
  });
  const bytes = await readFile(join(place, 're2.node'));
  return { bytes, ...assertLoadable(bytes, target) };
}

async function versionOf(packageFolder: string): Promise<string> {
  return JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')).version;
}

/** An input like the sources: another compiler makes other bytes. */
async function compilerVersion(root: string): Promise<string> {
  try {
    return await runProgram(process.env['CXX'] ?? 'g++', ['--version'], { folder: root });
  } catch (error) {
    throw new PackagingError('cannot_build', 're2 is built from its sources: a C++ compiler, make and python3 are needed', {
      cause: error,
    });
  }
}

/** Without its scripts: an installer that finds no release must not build for this machine instead. */
async function copySources(source: string, work: string): Promise<void> {
  await mkdir(work);
  for (const name of ['binding.gyp', 'lib', 'vendor']) await cp(join(source, name), join(work, name), { recursive: true });
  const { scripts: _, ...description } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'));
  await writeFile(join(work, 'package.json'), JSON.stringify(description));
  const nan = dirname(createRequire(join(source, 'package.json')).resolve('nan/package.json'));
  await mkdir(join(work, 'node_modules'));
  await symlink(nan, join(work, 'node_modules/nan'));
}

async function compile(work: string, { folder, node }: LambdaRuntime, root: string): Promise<void> {
  const nodeGyp = createRequire(join(root, 'node_modules/re2/package.json')).resolve('node-gyp/bin/node-gyp.js');
  const version = (await runProgram(node, ['-p', 'process.versions.node'], { folder: work })).trim();
  // The variable, because a nodedir of somebody's npmrc wins over the option.
  const environment = { npm_config_nodedir: folder, ...compilerFlags(work) };
  await runScript(nodeGyp, ['rebuild', `--target=${version}`, '-j', '2'], { folder: work, environment });
}

async function fetchReleased(work: string, { nodeArch, nodeAbi }: LambdaTarget, root: string): Promise<void> {
  const installer = createRequire(join(root, 'node_modules/re2/package.json')).resolve(
    'install-artifact-from-github/bin/install-from-cache.js',
  );
  const environment = {
    npm_package_json: join(work, 'package.json'),
    npm_config_platform: 'linux',
    npm_config_platform_arch: nodeArch,
    npm_config_platform_abi: String(nodeAbi),
  };
  const names = [
    '--host-var',
    'RE2_DOWNLOAD_MIRROR',
    '--skip-path-var',
    'RE2_DOWNLOAD_SKIP_PATH',
    '--skip-ver-var',
    'RE2_DOWNLOAD_SKIP_VER',
  ];
  await runScript(installer, ['--artifact', built, ...names], { folder: work, environment });
}
