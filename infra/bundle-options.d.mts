/** Types of bundle-options.mjs, which build.mjs needs before there is anything to compile with. */
import type { BuildOptions } from 'esbuild';

/** `root`: the project's folder, with a slash at the end; `target`: esbuild's. */
export function bundleOptions(of: { readonly root: string; readonly target: string }): BuildOptions;

export const lambdaFunctions: readonly string[];
