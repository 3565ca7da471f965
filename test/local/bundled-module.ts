/** A module of lib/ as JavaScript in a temporary folder, for threads and processes, which cannot be started from TypeScript. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../..', import.meta.url).pathname;

export interface BundledModule {
  readonly url: URL;
  remove(): void;
}

/** `source` is relative to the project's root. Packages are not bundled: they are found as they are. */
export async function bundleModule(source: string): Promise<BundledModule> {
  const folder = mkdtempSync(join(tmpdir(), 'gitferry-bundle-'));
  const outfile = join(folder, 'module.mjs');
  await build({ absWorkingDir: root, entryPoints: [source], outfile, bundle: true, format: 'esm', platform: 'node', packages: 'external' });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return { url: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true }) };
}
