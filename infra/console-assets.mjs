/** An esbuild plugin: puts the console's assets into the bundle, minified, where the sources read them from files (lib/console/asset-sources.ts). */
import { readFile } from 'node:fs/promises';
import { transform } from 'esbuild';

const listed = /'([a-z.]+)': textOf\('([^']+)'\)/g;

/** @type {import('esbuild').Plugin} */
export const consoleAssets = {
  name: 'console-assets',
  setup({ onLoad }) {
    onLoad({ filter: /\/lib\/console\/asset-sources\.ts$/ }, async ({ path }) => {
      const assets = await Promise.all(
        [...(await readFile(path, 'utf8')).matchAll(listed)].map(([, name, file]) => read(path, name, file)),
      );
      if (assets.length === 0) throw new Error(`${path} lists no assets`);
      return {
        contents: `export const assetSources = ${JSON.stringify(Object.fromEntries(assets))};`,
        loader: 'js',
        watchFiles: [path],
      };
    });
  },
};

async function read(from, name, file) {
  const text = await readFile(new URL(file, `file://${from}`), 'utf8');
  const loader = /\.(css|js)$/.exec(name)?.[1];
  // htmx comes minified.
  if (loader === undefined || file.includes('.min.')) return [name, text];
  const { code } = await transform(text, { loader, minify: true, target: loader === 'js' ? 'es2022' : 'chrome110' });
  return [name, code];
}
