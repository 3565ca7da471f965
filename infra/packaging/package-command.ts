/** What `npm run package` prints and how it ends. */
import { join } from 'node:path';
import { defaultCacheFolder } from './cache-folder.ts';
import { lambdaTarget } from './lambda-target.ts';
import { type Manifest, packageFunctions } from './package-functions.ts';
import { PackagingError } from './packaging-error.ts';
import { measureImport } from './prove-functions.ts';

const starts = 5;
const usage = 'npm run package [-- --architecture x86_64|arm64]';

/** Resolves with the exit status: 0, 1 where there is no package, 2 for wrong usage. */
export async function runPackageCommand(args: readonly string[], root: string, output: NodeJS.WritableStream): Promise<number> {
  const architecture = architectureOf(args);
  if (architecture === undefined) {
    output.write(`usage: ${usage}\n`);
    return 2;
  }
  const outFolder = join(root, 'dist/packages');
  try {
    const { manifest, runtime } = await packageFunctions({ root, architecture, outFolder, cacheFolder: defaultCacheFolder() });
    const target = lambdaTarget(architecture);
    for (const [name, facts] of Object.entries(manifest.functions)) {
      const loaded = runtime === undefined ? undefined : await measureImport(join(outFolder, `${name}.zip`), starts, runtime, target);
      output.write(`${line(name, facts)}${loaded === undefined ? '' : `  starts in ${loaded.importMs.toFixed(0).padStart(3)} ms`}\n`);
    }
    output.write(summary(manifest, runtime !== undefined));
    return 0;
  } catch (error) {
    if (!(error instanceof PackagingError)) throw error;
    output.write(`no package (${error.code}): ${error.message}\n`);
    return 1;
  }
}

function architectureOf(args: readonly string[]): string | undefined {
  if (args.length === 0) return 'x86_64';
  const [option, value] = args.length === 1 ? (args[0] ?? '').split('=') : args;
  return option === '--architecture' && args.length <= 2 && (value === 'x86_64' || value === 'arm64') ? value : undefined;
}

function line(name: string, { bytes, sha256, packages }: Manifest['functions'][string]): string {
  return `${name.padEnd(12)} ${(bytes / 1024).toFixed(0).padStart(5)} KB  ${sha256.slice(0, 16)}  ${packages.join(' ').padEnd(4)}`;
}

function summary({ architecture, runtime, totalBytes, newestSymbols }: Manifest, isProved: boolean): string {
  const symbols = Object.entries(newestSymbols).map(([family, version]) => `${family}_${version}`);
  const proof = isProved ? `loaded in its Node` : `NOT loaded in its Node: this machine cannot run it`;
  return `${(totalBytes / 1024 / 1024).toFixed(1)} MB for ${runtime} on ${architecture}; re2 wants ${symbols.join(', ')}; ${proof}\n`;
}
