import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostKeysOf, readKnownHosts, readPrivateKey } from '../../lib/cli/ssh-files.ts';
import { limits } from '../../lib/core/limits.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { generateSshKeyPair } from '../../lib/git/transport/ssh/ssh-key-pair.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID46anbqQPsVQ6AlAySRFvytXAZKZRxCSawLvLWJq7DG';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gitferry-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(content: string): Promise<string> {
  const path = join(folder, `file-${Math.random()}`);
  await writeFile(path, content);
  return path;
}

it('reads a private key as it is', async () => {
  const { privateKey } = await generateSshKeyPair({ type: 'ed25519', comment: 'x' });
  expect(await readPrivateKey('--source-ssh-key', await file(privateKey))).toBe(privateKey);
});

it.each([
  ['one that is none', 'hunter2', 'private_key_unusable'],
  ['one that is empty', '', 'invalid_arguments'],
  ['one that is too large', 'x'.repeat(limits.privateKeyFileBytes + 1), 'invalid_arguments'],
])('refuses %s by code, naming the option and nothing of the text', async (_, content, code) => {
  const path = await file(content);
  await expect(readPrivateKey('--target-ssh-key', path)).rejects.toMatchObject({
    code,
    message: expect.stringContaining('--target-ssh-key'),
  });
  await expect(readPrivateKey('--target-ssh-key', path)).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') });
});

it('finds the keys of a host in a known_hosts file, and asks for none over HTTPS', async () => {
  const text = await readKnownHosts('--known-hosts', await file(`other ${key}\n[h.example]:2222 ${key}\n`));
  const url = (of: string) => parseRepositoryUrl(of, 'SOURCE').url;
  expect(hostKeysOf(url('ssh://h.example:2222/r'), 'SOURCE', text)).toEqual([`[h.example]:2222 ${key}`]);
  expect(hostKeysOf(url('https://h.example/r'), 'SOURCE', undefined)).toEqual([]);
  const hint = expect.stringContaining('npx gitferry host-keys h.example:22022 > known_hosts');
  for (const known of [text, undefined])
    expect(() => hostKeysOf(url('ssh://h.example:22022/r'), 'SOURCE', known)).toThrow(
      expect.objectContaining({ code: 'host_key_unknown', hint }),
    );
});
