/** The packages as `npm run package` makes them, from the sources as they are, in a temporary folder, unzipped. */
import { join } from 'node:path';
import { lambdaFunctions } from '../../infra/bundle-options.mjs';
import { defaultCacheFolder } from '../../infra/packaging/cache-folder.ts';
import { type Manifest, packageFunctions } from '../../infra/packaging/package-functions.ts';
import { unzip } from '../../infra/packaging/prove-functions.ts';
import { temporaryFolder } from '../support/git.ts';

export interface BuiltPackages {
  /** Of the zips. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** The deployed Node. */
  readonly node: string;
  /** Where a function's package is unzipped. */
  unzipped(name: string): string;
  remove(): Promise<void>;
}

export const root = new URL('../../', import.meta.url).pathname;
export const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';

/** The first time on a machine this compiles re2, for about a minute. */
export async function buildPackages(): Promise<BuiltPackages> {
  const { path, remove } = await temporaryFolder();
  const folder = join(path, 'zips');
  const { manifest, runtime } = await packageFunctions({ root, architecture, outFolder: folder, cacheFolder: defaultCacheFolder() });
  if (runtime === undefined) throw new Error('this machine cannot run Lambda’s Node');
  const unzipped = (name: string) => join(path, name);
  for (const name of lambdaFunctions) await unzip(join(folder, `${name}.zip`), unzipped(name));
  return { folder, manifest, node: runtime.node, unzipped, remove };
}
