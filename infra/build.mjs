/** Bundles the commands into dist/ (about a second); runs at the end of `npm ci`. */
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;

await rm(`${root}dist`, { recursive: true, force: true });
/** @type {import('esbuild').BuildOptions} */
const options = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  // A native module cannot be bundled; the emulators of the local service bring files of their own.
  external: ['re2', 'dynalite', 'fauxqs'],
  // CommonJS dependencies in an ES module bundle still call require.
  banner: {
    js: "import { createRequire as gitferryCreateRequire } from 'node:module'; const require = gitferryCreateRequire(import.meta.url);",
  },
  alias: {
    // Its CommonJS build, which Node would take, loses its named exports when it is imported late from a bundle.
    'isomorphic-git': `${root}node_modules/isomorphic-git/index.js`,
  },
  plugins: [
    {
      name: 'undici-parts',
      setup: ({ onResolve }) => onResolve({ filter: /^undici$/ }, () => ({ path: `${root}infra/undici-parts.mjs` })),
    },
  ],
  logLevel: 'warning',
};
// Each by itself: code shared with another command would be cut into more files, and the start of gitferry is measured.
const commands = [
  { gitferry: 'functions/cli.ts' },
  { start: 'functions/start.ts' },
  { demo: 'functions/demo.ts' },
  { 'aws-endpoints-worker': 'lib/local/aws-endpoints-worker.ts' },
  { bench: 'test/bench/bench.ts', 'bench-server': 'test/bench/bench-server.ts' },
];
const lambdas = ['webhook', 'api', 'worker', 'schedule', 'update-now', 'dead-letter'];
await Promise.all([
  ...commands.map((entryPoints) => build({ ...options, entryPoints })),
  ...lambdas.map((name) => build({ ...options, outdir: `dist/functions/${name}`, entryPoints: { index: `functions/${name}.ts` } })),
]);

// npm links the commands of dependencies, not the project's own: with this, `npx gitferry` starts without asking anybody.
await chmod(`${root}dist/gitferry.js`, 0o755);
await mkdir(`${root}node_modules/.bin`, { recursive: true });
await rm(`${root}node_modules/.bin/gitferry`, { force: true });
await symlink('../../dist/gitferry.js', `${root}node_modules/.bin/gitferry`);
