/** A disk of a few megabytes (tmpfs), for tests that fill it. Needs the right to mount. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly path: string;
  /** Takes all but so many bytes. */
  fill(bytesLeft: number): void;
  /** Gives it back. */
  empty(): void;
  remove(): void;
}

export function mountSmallDisk(mebibytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'gitferry-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', path]);
  const ballast = join(path, 'ballast');
  return {
    path,
    fill(bytesLeft) {
      const file = openSync(ballast, 'w');
      for (;;) {
        const { bavail, bsize } = statfsSync(path);
        const rest = Math.min(bavail * bsize - bytesLeft, 1024 * 1024);
        if (rest <= 0) break;
        writeSync(file, Buffer.alloc(rest));
      }
      closeSync(file);
    },
    empty: () => rmSync(ballast, { force: true }),
    remove() {
      execFileSync('umount', ['--lazy', path]);
      rmdirSync(path);
    },
  };
}
