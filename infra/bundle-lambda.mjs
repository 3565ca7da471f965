/** The bundle of one Lambda function, without what it never loads. */
import { relative } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle-options.mjs';

/**
 * Twice: esbuild keeps modules that are loaded late by code that is not in the bundle, and cuts what they share with the rest (the HTTP client, for one) into a
 * part that the function would have to load at its start.
 *
 * @type {import('./bundle-lambda.d.mts').bundleLambda}
 */
export async function bundleLambda(name, { root, ...options }) {
  const bundle = (plugins) => {
    const common = bundleOptions({ root, target: options.target });
    return build({
      ...common,
      ...options,
      plugins: [...plugins, ...common.plugins],
      entryPoints: { index: `functions/${name}.ts` },
      metafile: true,
      write: false,
    });
  };
  const { outputs } = (await bundle([])).metafile;
  return bundle([without(root, neverLoaded(outputs))]);
}

/** Sources of entry points that no path of imports leads to. */
function neverLoaded(outputs) {
  const loaded = new Set();
  const load = (path) => {
    if (loaded.has(path) || outputs[path] === undefined) return;
    loaded.add(path);
    for (const { path: imported } of outputs[path].imports) load(imported);
  };
  const isStart = (path) => /\/index\.m?js$/.test(path);
  Object.keys(outputs).filter(isStart).forEach(load);
  return new Set(
    Object.entries(outputs).flatMap(([path, { entryPoint }]) => (loaded.has(path) || entryPoint === undefined ? [] : [entryPoint])),
  );
}

function without(root, sources) {
  const asked = Symbol('resolved by esbuild');
  return {
    name: 'never-loaded',
    setup: ({ onResolve, resolve }) =>
      onResolve({ filter: /./ }, async ({ path, kind, pluginData, resolveDir, importer }) => {
        if (kind !== 'dynamic-import' || pluginData === asked || sources.size === 0) return undefined;
        const { path: source } = await resolve(path, { kind, resolveDir, importer, pluginData: asked });
        return sources.has(relative(root, source)) ? { path, external: true } : undefined;
      }),
  };
}
