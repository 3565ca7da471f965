/** Which gitferry this is: the version of package.json, and the commit that was built. */
import manifest from '../../package.json' with { type: 'json' };

export const version: string = manifest.version;

/** Put in by the build (infra/bundle-options.mjs). */
declare const gitferryCommit: string | undefined;

/** The commit's first 12 characters; `unknown` where gitferry was built outside a Git checkout, or was not built. */
export const commit: string = typeof gitferryCommit === 'undefined' ? 'unknown' : gitferryCommit;
