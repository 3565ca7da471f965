/** Where things stay that take a minute to make and are the same for every checkout: the deployed Node and the native module built for it. */
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's cache, because `npm ci` empties node_modules. */
export function defaultCacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gitferry', 'packaging');
}

/**
 * Resolves with the folder kept under this name, made by `make` in an empty folder if there is none. Complete or not there: of two processes that make it at
 * once one is kept. Whatever decides what is in it must be part of the name.
 */
export async function cached(cacheFolder: string, name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const place = join(cacheFolder, name);
  if (await exists(place)) return place;
  await mkdir(cacheFolder, { recursive: true });
  const draft = await mkdtemp(join(cacheFolder, '.draft-'));
  try {
    await make(draft);
    await rename(draft, place);
  } catch (error) {
    // Another process was quicker.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return place;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
