/** The folder in which the service on one machine keeps everything: its owner's alone, whatever modes it had; and whether it has room. */
import { type Stats, statfsSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

/**
 * Makes the folder, or takes what others may do in it from them: mode 0700 for folders, 0600 for files, those that libraries will make as well. Throws
 * `invalid_settings` where it cannot be made, or something in it belongs to another user, who could have put it there to be believed.
 */
export async function claimDataFolder(folder: string): Promise<void> {
  process.umask(0o077);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // The door first: nobody adds anything while the rest is looked at.
    await claim(folder, await stat(folder));
    for (const name of await readdir(folder, { recursive: true })) {
      const path = join(folder, name);
      const found = await lstat(path).catch(unlessGone);
      if (found?.isSymbolicLink() === true) requireOwn(path, found.uid);
      else if (found !== undefined) await claim(path, found).catch(unlessGone);
    }
  } catch (cause) {
    if (cause instanceof GitferryError) throw cause;
    throw unusable(`it cannot be made or kept from others (${(cause as NodeJS.ErrnoException).code}).`, cause);
  }
}

async function claim(path: string, found: Stats): Promise<void> {
  requireOwn(path, found.uid);
  await chmod(path, found.isDirectory() ? 0o700 : 0o600);
}

/** Another gitferry may be at work here; that is found out later. */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function requireOwn(path: string, uid: number): void {
  if (process.getuid === undefined || uid === process.getuid()) return;
  throw unusable(`${path} belongs to another user (${uid}): use a folder of this user's own, or give this one to it with chown.`);
}

function unusable(what: string, cause?: unknown): GitferryError {
  return new GitferryError('invalid_settings', { detail: `GITFERRY_DATA_DIR: ${what}`, cause });
}

/** What is missing for it to be written to; undefined = it has room. The database must not meet the end of the disk: it loses what it writes after that. */
export function shortageOf(folder: string): string | undefined {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < limits.dataReserveBytes) {
    return `the disk is full: ${Math.floor(free / 1024)} KiB are free, and ${limits.dataReserveBytes / 1024} KiB are needed`;
  }
  // Some file systems do not count files.
  return files > 0 && ffree < limits.dataReserveFiles
    ? `the disk has room for ${ffree} more files, and ${limits.dataReserveFiles} are needed`
    : undefined;
}
