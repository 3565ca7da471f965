/** One function of the service as the files that Lambda runs: an ES module, the parts it loads later, and their source maps. */
import { builtinModules } from 'node:module';
import { basename } from 'node:path';
import { bundleLambda } from '../bundle-lambda.mjs';
import type { LambdaTarget } from './lambda-target.ts';
import { PackagingError } from './packaging-error.ts';

/** File name in the package → content. */
export type PackageFiles = Readonly<Record<string, Uint8Array>>;

export interface FunctionBundle {
  readonly files: PackageFiles;
  /** Bytes of JavaScript, source maps left out. */
  readonly scriptBytes: number;
  /** Packages it loads that are not in the bundle and must lie beside it. */
  readonly packages: readonly string[];
}

/** Tried by ssh2, which does without. */
const optional = /^cpu-features$|\.node$/;
/** Never on Lambda: the emulators of the local service. */
const bundledBeside = ['re2'];

/** Nothing is written. The handler is `index.handler`. Rejects with `not_bundled` where a package would be missing on Lambda. */
export async function bundleFunction(name: string, root: string, { nodeMajor }: LambdaTarget): Promise<FunctionBundle> {
  const outdir = `dist/packages/${name}`;
  const { outputFiles, metafile } = await bundleLambda(name, { root, target: `node${nodeMajor}`, outdir, outExtension: { '.js': '.mjs' } });
  const files = Object.fromEntries(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter((found) => found.external === true));
  const packages = [...new Set(external.map(({ path }) => path))].filter((path) => !isBuiltin(path) && !optional.test(path)).sort();
  const missing = packages.filter((path) => !bundledBeside.includes(path));
  if (missing.length > 0) throw new PackagingError('not_bundled', `${name} would load ${missing.join(', ')}, which Lambda does not have`);
  const scripts = Object.entries(files).filter(([file]) => file.endsWith('.mjs'));
  return { files, packages, scriptBytes: scripts.reduce((sum, [, { length }]) => sum + length, 0) };
}

function isBuiltin(path: string): boolean {
  return path.startsWith('node:') || builtinModules.includes(path);
}
