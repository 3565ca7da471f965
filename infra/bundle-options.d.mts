/** Types of bundle-options.mjs, which build.mjs needs before there is anything to compile with. */
import type { BuildOptions } from 'esbuild';

export function bundleOptions(of: { readonly target: string }): BuildOptions;

export const lambdaFunctions: readonly string[];
