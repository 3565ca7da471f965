import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEncryptedFile } from '../../lib/local/encrypted-file.ts';

let folder: string;
let path: string;
let keyPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gitferry-encrypted-'));
  path = join(folder, 'secrets.json');
  keyPath = join(folder, 'secrets.key');
});
afterEach(() => rmSync(folder, { recursive: true }));

const mode = (file: string) => statSync(file).mode & 0o777;
const open = () => openEncryptedFile(path, keyPath);

describe('an encrypted file', () => {
  it('is read as it was written, by whoever opens it later', async () => {
    const file = await open();
    expect(await file.read()).toBeUndefined();
    await file.write({ a: ['ü', 1] });
    await file.write({ a: ['ü', 2] });
    expect(await file.read()).toEqual({ a: ['ü', 2] });
    expect(await (await open()).read()).toEqual({ a: ['ü', 2] });
  });

  it('shows nothing of its content, and nothing to anybody but its owner', async () => {
    const file = await open();
    await file.write({ password: 'hunter2hunter2' });
    const content = readFileSync(path);
    expect(content.includes('hunter2')).toBe(false);
    expect(content.includes(Buffer.from('hunter2hunter2').toString('base64').slice(0, 10))).toBe(false);
    expect(mode(path)).toBe(0o600);
    expect(mode(keyPath)).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['secrets.json', 'secrets.key']);
  });

  it('takes back permissions that somebody gave', async () => {
    await (await open()).write(1);
    await Promise.all([chmod(path, 0o644), chmod(keyPath, 0o644)]);
    await open();
    expect([mode(path), mode(keyPath)]).toEqual([0o600, 0o600]);
  });

  it('is encrypted differently each time', async () => {
    const file = await open();
    await file.write(1);
    const first = readFileSync(path, 'utf8');
    await file.write(1);
    expect(readFileSync(path, 'utf8')).not.toBe(first);
  });

  it('writes over what a crash left of an earlier write', async () => {
    const file = await open();
    writeFileSync(`${path}.new`, 'half', { mode: 0o644 });
    await file.write({ whole: true });
    expect(await file.read()).toEqual({ whole: true });
    expect(mode(path)).toBe(0o600);
  });

  it.each([
    ['is empty', () => writeFileSync(path, '')],
    ['is cut short', () => writeFileSync(path, readFileSync(path).subarray(0, 60))],
    ['is something else', () => writeFileSync(path, '{"format":1}')],
    ['has a byte changed', () => writeFileSync(path, changed(readFileSync(path, 'utf8')))],
    ['has the key of another', () => writeFileSync(keyPath, `${Buffer.alloc(32, 7).toString('base64')}\n`)],
  ])('says so when it %s, and stays as it is', async (_case, damage) => {
    await (await open()).write({ kept: 'value' });
    damage();
    const before = readFileSync(path);
    await expect(open().then((file) => file.read())).rejects.toThrow(path);
    expect(readFileSync(path)).toEqual(before);
  });

  it.each([
    ['is missing', () => rmSync(keyPath)],
    ['is empty', () => writeFileSync(keyPath, '')],
    ['is too short', () => writeFileSync(keyPath, 'YWJj')],
  ])('cannot be opened when its key %s, and no key is made', async (_case, damage) => {
    await (await open()).write({ kept: 'value' });
    damage();
    await expect(open()).rejects.toThrow(keyPath);
  });
});

function changed(envelope: string): string {
  const { data, ...rest } = JSON.parse(envelope) as { data: string };
  const bytes = Buffer.from(data, 'base64');
  bytes[3] = bytes[3]! ^ 1;
  return JSON.stringify({ ...rest, data: bytes.toString('base64') });
}
