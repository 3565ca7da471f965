/** How sources become files that Node runs: esbuild's options for the commands (infra/build.mjs) and for what is deployed (infra/packaging/). */
import { spawnSync } from 'node:child_process';
import { consoleAssets } from './console-assets.mjs';

/** @type {import('./bundle-options.d.mts').bundleOptions} */
export function bundleOptions({ root, target }) {
  return {
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target,
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    define: { gitferryCommit: JSON.stringify(builtCommit(root)) },
    // A native module cannot be bundled; the emulators of the local service bring files of their own.
    external: ['re2', 'dynalite', 'fauxqs'],
    // CommonJS dependencies in an ES module bundle still call require, and ssh2 reads __dirname.
    banner: {
      js: "import { createRequire as gitferryCreateRequire } from 'node:module'; const require = gitferryCreateRequire(import.meta.url); const __dirname = import.meta.dirname;",
    },
    alias: {
      // Its CommonJS build, which Node would take, loses its named exports when it is imported late from a bundle.
      'isomorphic-git': `${root}node_modules/isomorphic-git/index.js`,
    },
    plugins: [
      consoleAssets,
      {
        name: 'undici-parts',
        setup: ({ onResolve }) => onResolve({ filter: /^undici$/ }, () => ({ path: `${root}infra/undici-parts.mjs` })),
      },
      {
        // ssh2 tries these and does without.
        name: 'optional-native-add-ons',
        setup: ({ onResolve }) => onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, external: true })),
      },
    ],
    logLevel: 'warning',
  };
}

/** The commit that is checked out at `root`; `unknown` where there is none. */
function builtCommit(root) {
  const { status, stdout } = spawnSync('git', ['-C', root, 'rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}

/** One per file in functions/ that Lambda runs. */
export const lambdaFunctions = ['webhook', 'api', 'worker', 'schedule', 'update-now', 'notify', 'dead-letter'];
