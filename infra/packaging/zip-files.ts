/** A zip archive that depends on nothing but its content: no clock, no owner, no order of a folder. */
import { type Zippable, zipSync } from 'fflate';
import type { PackageFiles } from './bundle-function.ts';

const unix = 3;
/** A plain file that everybody may read: the function runs as another user than who packed it. */
const attributes = 0o100644 << 16;

/** The archive's bytes. fflate compresses in JavaScript: zlib's output differs between versions of Node. */
export function zipFiles(files: PackageFiles): Uint8Array {
  // In local time, because zip has that: the same everywhere.
  const mtime = new Date(1980, 0, 1);
  const entries: Zippable = {};
  for (const name of Object.keys(files).sort()) entries[name] = [files[name] ?? new Uint8Array(), { mtime, os: unix, attrs: attributes }];
  return zipSync(entries, { level: 9 });
}
