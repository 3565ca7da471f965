/** The texts of the console's assets. Unbundled they are read from their files; the bundle holds them in place of this module (infra/bundle-options.mjs). */
import { readFileSync } from 'node:fs';

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

/** The files, from here: the build reads the same. */
export const assetSources: Readonly<Record<'htmx.js' | 'console.js' | 'console.css' | 'icon.svg', string>> = {
  'htmx.js': textOf('../../node_modules/htmx.org/dist/htmx.min.js'),
  'console.js': textOf('./assets/console.js'),
  'console.css': textOf('./assets/console.css'),
  'icon.svg': textOf('./assets/icon.svg'),
};
