/** Bundles the commands into dist/ (about a second); runs at the end of `npm ci`. */
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { bundleLambda } from './bundle-lambda.mjs';
import { bundleOptions, lambdaFunctions } from './bundle-options.mjs';

const root = new URL('..', import.meta.url).pathname;

await rm(`${root}dist`, { recursive: true, force: true });
const options = { ...bundleOptions({ root, target: 'node20' }), outdir: 'dist' };
// Each by itself: code shared with another command would be cut into more files, and the start of gitferry is measured.
const commands = [
  { gitferry: 'functions/cli.ts' },
  { start: 'functions/start.ts' },
  { demo: 'functions/demo.ts' },
  { 'aws-endpoints-worker': 'lib/local/aws-endpoints-worker.ts' },
  { bench: 'test/bench/bench.ts', 'bench-server': 'test/bench/bench-server.ts' },
];
// ssh2's server, which torture's Git servers are made of, knows a class by its name.
const torture = {
  torture: 'test/torture/torture.ts',
  'torture-runner': 'test/torture/function-runner.ts',
  'torture-load': 'test/torture/load-generator.ts',
};
await Promise.all([
  ...commands.map((entryPoints) => build({ ...options, entryPoints })),
  build({ ...options, keepNames: true, entryPoints: torture }),
  ...lambdaFunctions.map(writeLambda),
]);

async function writeLambda(name) {
  const outdir = `dist/functions/${name}`;
  const { outputFiles } = await bundleLambda(name, { root, target: 'node20', outdir });
  await mkdir(`${root}${outdir}`, { recursive: true });
  await Promise.all(outputFiles.map(({ path, contents }) => writeFile(path, contents)));
}

// npm links the commands of dependencies, not the project's own: with this, `npx gitferry` starts without asking anybody.
await chmod(`${root}dist/gitferry.js`, 0o755);
await mkdir(`${root}node_modules/.bin`, { recursive: true });
await rm(`${root}node_modules/.bin/gitferry`, { force: true });
await symlink('../../dist/gitferry.js', `${root}node_modules/.bin/gitferry`);
