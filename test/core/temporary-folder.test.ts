import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../lib/core/temporary-folder.ts';
import { type BundledModule, bundleModule } from '../local/bundled-module.ts';

let module: BundledModule;
beforeAll(async () => {
  module = await bundleModule('lib/core/temporary-folder.ts');
  // For a process of another user.
  chmodSync(dirname(module.url.pathname), 0o755);
});
afterAll(() => module.remove());

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

  it('is made whatever somebody else has put in its way, which stays', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    const aside = mkdtempSync(join(tmpdir(), 'aside-'));
    writeFileSync(join(aside, 'kept'), 'x');
    const named = (what: string) => join(tmpdir(), `gitferry-${pid}-${what}`);
    const [file, link, dangling, others] = [named('file'), named('link'), named('dangling'), named('others')];
    writeFileSync(file, 'x');
    symlinkSync(aside, link);
    symlinkSync(join(aside, 'nothing'), dangling);
    mkdirSync(others);
    // Only root can make what another owns.
    if (process.getuid?.() === 0) chownSync(others, 65_534, 65_534);
    const folder = await createTemporaryFolder();
    expect(existsSync(join(aside, 'kept'))).toBe(true);
    expect(existsSync(others)).toBe(process.getuid?.() === 0);
    expect(lstatSync(folder.path).isDirectory()).toBe(true);
    await folder.remove();
    for (const path of [file, link, dangling, others, aside]) rmSync(path, { recursive: true, force: true });
  });

  it('is made where the temporary directory cannot be listed, or holds what cannot be removed', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    // As somebody who is not root, where the test is.
    const script = `
      const { mkdirSync, chmodSync } = await import('node:fs');
      const { createTemporaryFolder } = await import(${JSON.stringify(module.url.href)});
      if (process.getuid() === 0) process.setuid(65534);
      const folder = await createTemporaryFolder();
      console.log('made');
    `;
    const crowded = mkdtempSync(join(tmpdir(), 'crowded-'));
    mkdirSync(join(crowded, `gitferry-${pid}-locked`, 'inner'), { recursive: true });
    chmodSync(crowded, 0o1777);
    const unlisted = mkdtempSync(join(tmpdir(), 'unlisted-'));
    chmodSync(unlisted, 0o1733);
    for (const folder of [crowded, unlisted]) {
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, TMPDIR: folder },
        encoding: 'utf8',
      });
      expect([stdout.trim(), stderr]).toEqual(['made', '']);
    }
    for (const path of [crowded, unlisted]) rmSync(path, { recursive: true });
  });
});
