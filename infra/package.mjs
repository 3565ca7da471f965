/** `npm run package`: compiles infra/packaging/ and runs it. */
import { mkdir } from 'node:fs/promises';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
// In node_modules, where it finds esbuild and fflate.
const outfile = `${root}node_modules/.cache/gitferry/package-command.mjs`;

await mkdir(`${root}node_modules/.cache/gitferry`, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['infra/packaging/package-command.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
});
const { runPackageCommand } = await import(outfile);
process.exitCode = await runPackageCommand(process.argv.slice(2), root, process.stdout);
