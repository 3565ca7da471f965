/** `npm run package`: one zip per function in dist/packages/, proved to load where it will run, or nothing. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lambdaFunctions } from '../bundle-options.mjs';
import { bundleFunction, type PackageFiles } from './bundle-function.ts';
import { type LambdaRuntime, lambdaRuntime } from './lambda-runtime.ts';
import { type LambdaTarget, lambdaTarget } from './lambda-target.ts';
import { type NativeRe2, nativeRe2 } from './native-re2.ts';
import { PackagingError } from './packaging-error.ts';
import { proveFunctions } from './prove-functions.ts';
import { zipFiles } from './zip-files.ts';

export interface PackagedFunction {
  /** Of the zip. */
  readonly bytes: number;
  readonly sha256: string;
  readonly unzippedBytes: number;
  readonly scriptBytes: number;
  /** Packages beside the bundle. */
  readonly packages: readonly string[];
}

export interface Manifest {
  readonly architecture: string;
  readonly runtime: string;
  readonly totalBytes: number;
  readonly newestSymbols: Readonly<Record<string, string>>;
  readonly functions: Readonly<Record<string, PackagedFunction>>;
}

export interface PackageInput {
  readonly root: string;
  readonly architecture: string;
  readonly outFolder: string;
  readonly cacheFolder: string;
}

export interface PackageResult {
  readonly manifest: Manifest;
  /** undefined where this machine cannot run the target's Node. */
  readonly runtime: LambdaRuntime | undefined;
}

const MB = 1024 * 1024;
/** Of all zips: what is uploaded with each deployment. */
const maxTotalBytes = 12 * MB;
/** Of JavaScript: what a cold start has to read. The webhook answers a Git host that waits. */
const maxScriptBytes = (name: string): number => (name === 'webhook' ? 1.5 : 5) * MB;

/**
 * Replaces outFolder by NAME.zip per function and manifest.json; the same sources, tools and architecture give the same bytes. Rejects with a PackagingError,
 * and then outFolder is gone: nothing stale or unproved can be deployed.
 */
export async function packageFunctions({ root, architecture, outFolder, cacheFolder }: PackageInput): Promise<PackageResult> {
  await rm(outFolder, { recursive: true, force: true });
  const target = lambdaTarget(architecture);
  const runtime = await lambdaRuntime(target, root, cacheFolder);
  const re2 = await nativeRe2({ target, runtime, root, cacheFolder });
  const native = await re2Files(root, re2);
  const packages = await Promise.all(
    lambdaFunctions.map(async (name) => [name, await packageFunction(name, root, target, native)] as const),
  );
  const manifest = manifestOf(packages, target, re2);
  if (manifest.totalBytes > maxTotalBytes) throw new PackagingError('too_large', `the packages have ${manifest.totalBytes} bytes in all`);
  const draft = `${outFolder}.draft-${process.pid}`;
  try {
    await mkdir(draft, { recursive: true });
    for (const [name, { zip }] of packages) await writeFile(join(draft, `${name}.zip`), zip);
    await writeFile(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    if (runtime !== undefined) await proveFunctions(draft, lambdaFunctions, runtime, target);
    await rename(draft, outFolder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return { manifest, runtime };
}

interface Packed extends PackagedFunction {
  readonly zip: Uint8Array;
}

async function packageFunction(name: string, root: string, target: LambdaTarget, native: PackageFiles): Promise<Packed> {
  const { files, packages, scriptBytes } = await bundleFunction(name, root, target);
  if (scriptBytes > maxScriptBytes(name)) throw new PackagingError('too_large', `the bundle of ${name} has ${scriptBytes} bytes`);
  const all = packages.includes('re2') ? { ...files, ...native } : files;
  const zip = zipFiles(all);
  const sha256 = createHash('sha256').update(zip).digest('hex');
  const unzippedBytes = Object.values(all).reduce((sum, { length }) => sum + length, 0);
  return { zip, bytes: zip.length, sha256, unzippedBytes, scriptBytes, packages };
}

/** What `import 're2'` finds: not its sources, nor what npm needs to build it. */
async function re2Files(root: string, { bytes }: NativeRe2): Promise<PackageFiles> {
  const folder = 'node_modules/re2';
  const copied = await Promise.all(
    ['LICENSE', 'package.json', 're2.js'].map(async (name) => [`${folder}/${name}`, await readFile(join(root, folder, name))] as const),
  );
  return { ...Object.fromEntries(copied), [`${folder}/build/Release/re2.node`]: bytes };
}

function manifestOf(packages: readonly (readonly [string, Packed])[], target: LambdaTarget, { newestSymbols }: NativeRe2): Manifest {
  return {
    architecture: target.architecture,
    runtime: `nodejs${target.nodeMajor}.x`,
    totalBytes: packages.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    newestSymbols,
    functions: Object.fromEntries(packages.map(([name, { zip: _, ...facts }]) => [name, facts])),
  };
}
