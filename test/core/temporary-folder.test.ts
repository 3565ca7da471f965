import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../lib/core/temporary-folder.ts';

describe('a temporary folder', () => {
  it('is for its owner only and is gone when it was removed', async () => {
    const folder = await createTemporaryFolder();
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    writeFileSync(join(folder.path, 'file'), 'x');
    await folder.remove();
    await folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });

  it('is made after those of dead processes were removed, and those of living ones were not', async () => {
    const { pid: deadPid } = spawnSync(process.execPath, ['--version']);
    const dead = join(tmpdir(), `gitferry-${deadPid}-dead`);
    const living = join(tmpdir(), `gitferry-${process.ppid}-living`);
    const foreign = join(tmpdir(), `gitferry-other-${deadPid}`);
    for (const path of [dead, living, foreign]) mkdirSync(path);
    const folder = await createTemporaryFolder();
    expect([dead, living, foreign].map((path) => existsSync(path))).toEqual([false, true, true]);
    await folder.remove();
    for (const path of [living, foreign]) rmSync(path, { recursive: true });
  });
});
