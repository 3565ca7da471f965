/** Types of bundle-lambda.mjs, which build.mjs needs before there is anything to compile with. */
import type { BuildOptions, BuildResult } from 'esbuild';

export interface LambdaBundleOptions extends Pick<BuildOptions, 'outExtension'> {
  /** The project's folder, with a slash at the end. */
  readonly root: string;
  /** esbuild's. */
  readonly target: string;
  /** Below the root; paths in source maps are relative to it. */
  readonly outdir: string;
}

/** `name`: of a file in functions/. Resolves with index.js and its parts in memory. */
export function bundleLambda(name: string, options: LambdaBundleOptions): Promise<BuildResult<{ metafile: true; write: false }>>;
