import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimDataFolder, shortageOf } from '../../lib/local/data-folder.ts';
import { startService } from '../support/service.ts';

let folder: string;
let data: string;
let mask: number;
beforeEach(() => {
  mask = process.umask();
  folder = mkdtempSync(join(tmpdir(), 'gitferry-data-'));
  data = join(folder, 'data');
});
afterEach(() => {
  process.umask(mask);
  rmSync(folder, { recursive: true });
});

/** Everything that somebody but the owner may do something with. */
function open(): string[] {
  const paths = ['.', ...readdirSync(data, { recursive: true, encoding: 'utf8' })];
  return paths.filter((name) => (lstatSync(join(data, name)).mode & 0o077) !== 0);
}

describe('the data folder', () => {
  it("is the owner's alone, with all that is in it, whatever modes it had", async () => {
    mkdirSync(join(data, 'dynamodb'), { recursive: true });
    writeFileSync(join(data, 'dynamodb', 'LOG'), '');
    writeFileSync(join(data, 'admin-token'), '');
    for (const name of ['.', 'dynamodb', 'dynamodb/LOG', 'admin-token']) chmodSync(join(data, name), 0o777);
    expect(open()).toHaveLength(4);
    await claimDataFolder(data);
    expect(open()).toEqual([]);
    expect([statSync(data).mode & 0o777, statSync(join(data, 'admin-token')).mode & 0o777]).toEqual([0o700, 0o600]);
    writeFileSync(join(data, 'later'), '');
    expect(open()).toEqual([]);
  });

  it('stays so while the service works, also what its database makes', async () => {
    mkdirSync(data);
    writeFileSync(join(data, 'admin-token'), `${'t'.repeat(32)}\n`);
    for (const path of [data, join(data, 'admin-token')]) chmodSync(path, 0o777);
    const service = await startService({ folder, environment: { GITFERRY_ADMIN_TOKEN: '' } });
    const made = { path: 'a/b', repository_url: 'https://git.example.org/a.git', username: 'u', password: 'p' };
    expect((await service.api('POST', '/projects', made, 't'.repeat(32))).status).toBe(201);
    expect(open()).toEqual([]);
    expect(readdirSync(data)).toEqual(expect.arrayContaining(['admin-token', 'dynamodb', 'secrets.json', 'secrets.key']));
    expect(await service.end()).toBe(0);
    expect(open()).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0).each([
    ['itself', () => chownSync(data, 65_534, 65_534)],
    ['a file', () => chownSync(join(data, 'admin-token'), 65_534, 65_534)],
    [
      'a link',
      () => {
        symlinkSync('/etc', join(data, 'dynamodb'));
        lchownSync(join(data, 'dynamodb'), 65_534, 65_534);
      },
    ],
  ])('is refused where another owns %s, by name', async (_what, give) => {
    mkdirSync(data);
    writeFileSync(join(data, 'admin-token'), '');
    give();
    await expect(claimDataFolder(data)).rejects.toMatchObject({
      code: 'invalid_settings',
      detail: expect.stringMatching(/^GITFERRY_DATA_DIR: .*belongs to another user \(65534\)/),
    });
  });

  it('is refused where it cannot be one', async () => {
    writeFileSync(data, '');
    await expect(claimDataFolder(join(data, 'x'))).rejects.toMatchObject({
      code: 'invalid_settings',
      detail: expect.stringContaining('ENOTDIR'),
    });
  });

  it('has room where this runs', () => {
    expect(shortageOf(folder)).toBeUndefined();
  });
});
