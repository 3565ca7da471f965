import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import type { ErrorCode } from '../../lib/core/error-catalogue.ts';
import { limits } from '../../lib/core/limits.ts';
import type { Credential } from '../../lib/credentials/credential.ts';
import { type RefList, UploadPack } from '../../lib/git/client/upload-pack.ts';
import { openPack } from '../../lib/git/pack/incoming-pack.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { createSshTransport } from '../../lib/git/transport/ssh/ssh.ts';
import { generateSshKeyPair } from '../../lib/git/transport/ssh/ssh-key-pair.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { readAll } from '../support/byte-streams.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';
import { hook } from '../support/scenario.ts';
import { syncEnds } from '../support/ssh-sync.ts';
import { hostKeyFileTypes, type Sshd, type SshdOptions, startSshd } from '../support/sshd.ts';
import { passwordAccount } from '../support/sshd-account.ts';

const { user: username, password } = passwordAccount;

describe.runIf(isAvailable('sshd') && isAvailable('nssWrapper'))('sshd', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let source: string;
  /** Lends its keys to all others: making them takes a while. */
  let passwords: Sshd;
  let strangerKey: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    source = await emptyRepository('source.git');
    const tree = await git(source, ['mktree'], { input: '' });
    const commit = await git(source, ['commit-tree', tree, '-m', 'first']);
    await git(source, ['update-ref', 'refs/heads/main', commit]);
    await git(source, ['update-ref', 'refs/heads/side', await git(source, ['commit-tree', tree, '-p', commit, '-m', 'second'])]);
    passwords = await startSshd({ password: true });
    strangerKey = (await generateSshKeyPair({ type: 'ed25519', comment: 'stranger' })).privateKey;
  });

  afterAll(async () => {
    await passwords.close();
    await Promise.all([folder.remove(), rm(passwords.folder, { recursive: true, force: true })]);
  });

  async function emptyRepository(name: string): Promise<string> {
    const path = join(folder.path, name);
    await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', path]);
    return path;
  }

  async function sshd(options: SshdOptions): Promise<Sshd> {
    const server = await startSshd({ ...options, keysOf: passwords });
    onTestFinished(server.close);
    return server;
  }

  const end = (server: Sshd, path: string, credential: Credential) => ({ url: server.url(path), credential, hostKeys: server.hostKeys });

  // With v0 nobody knows whether a branch is a symbolic ref: none is deleted.
  it.each<[string, SshdOptions, { deleted: number; kept: number }]>([
    ['v2', {}, { deleted: 1, kept: 0 }],
    ['v0', { acceptEnv: false }, { deleted: 0, kept: 1 }],
    ['v2 and one channel a connection', { maxSessions: 1 }, { deleted: 1, kept: 0 }],
    ['v0 and one try to sign in', { acceptEnv: false, config: ['MaxAuthTries 1'] }, { deleted: 0, kept: 1 }],
  ])('takes a password at both ends, with %s', async (name, options, counts) => {
    const server = await sshd({ password: true, ...options });
    const path = await emptyRepository(`${name.replace(/\W/g, '')}.git`);
    const run = () => syncEnds(end(server, source, { username, password }), end(server, path, { username, password }));
    expect(await run()).toMatchObject({ outcome: 'success', error: null, counts: { created: 2 } });
    expect(await refsOf(path)).toEqual(await refsOf(source));
    await git(path, ['update-ref', '-d', 'refs/heads/side']);
    await git(path, ['update-ref', 'refs/heads/old', 'refs/heads/main']);
    expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 1, ...counts } });
    expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 0, deleted: 0 }, bytes: 0 });
    expect(server.log()).toContain(`Accepted password for ${username}`);
  });

  it('with one channel a connection serves any number of questions while a pack is being read', async () => {
    const server = await sshd({ password: true, maxSessions: 1 });
    const deadline = createDeadline(30_000);
    const { url, ...login } = end(server, source, { username, password });
    const { url: parsed } = parseRepositoryUrl(url, 'T');
    const transport = createSshTransport(parsed, login.credential, { ...login, deadline, guard: createAddressGuard(['127.0.0.0/8']) });
    onTestFinished(async () => {
      await transport.close();
      deadline.clear();
    });
    const main = (await refsOf(source))['refs/heads/main'] ?? '';
    const reader = await UploadPack.open(transport);
    const answer = await reader.fetch({ wants: [main], haves: [], done: true, thinPack: false, ofsDelta: false }, { patient: true });
    // Each conversation keeps its command for more questions: it has to let go of it. One after the other, then at once.
    const ask = async () => (await UploadPack.open(transport)).listRefs(['refs/heads/']);
    const lists: RefList[] = [];
    for (let turn = 0; turn <= limits.sshConnections; turn++) lists.push(await ask());
    lists.push(...(await Promise.all(Array.from({ length: limits.sshConnections + 1 }, ask))));
    expect(new Set(lists.map(({ refs }) => refs.length))).toEqual(new Set([2]));
    const pack = await openPack(answer.pack, 'sha1');
    expect((await readAll(pack.bytes)).length).toBeGreaterThan(0);
    expect(server.log().split('Accepted password').length - 1).toBeGreaterThan(limits.sshConnections);
  });

  it('with one channel a connection has each of many refused refs tried alone', async () => {
    const server = await sshd({ password: true, maxSessions: 1 });
    const many = await emptyRepository('many.git');
    const path = await emptyRepository('picky.git');
    const commit = (await refsOf(source))['refs/heads/main'] ?? '';
    await git(many, ['fetch', '--quiet', source, 'main']);
    const refs = Array.from({ length: 10 }, (_, index) => `refs/heads/b${index}`);
    await git(many, ['update-ref', '--stdin'], { input: refs.map((ref) => `create ${ref} ${commit}\n`).join('') });
    await hook(path, 'pre-receive', 'if grep -q "b[0-9]*[13579]$"; then echo even ones only >&2; exit 1; fi');
    const outcome = await syncEnds(end(server, many, { username, password }), end(server, path, { username, password }));
    expect(outcome).toMatchObject({ outcome: 'partial', error: { code: 'refs_rejected' }, counts: { created: 5, rejected: 5 } });
    expect(Object.keys(await refsOf(path))).toHaveLength(5);
  });

  it('that wants a key and then a password gets both', async () => {
    const config = ['PubkeyAuthentication yes', 'AuthenticationMethods publickey,password'];
    const server = await sshd({ password: true, config });
    const path = await emptyRepository('both.git');
    const both = { username, password, privateKey: server.privateKey };
    expect(await syncEnds(end(server, source, both), end(server, path, both))).toMatchObject({
      outcome: 'success',
      counts: { created: 2 },
    });
    const one = { username, password: '', privateKey: server.privateKey };
    const refused = await syncEnds(end(server, source, one), end(server, path, both));
    expect(refused).toMatchObject({ outcome: 'failed', error: { code: 'password_required' } });
  });

  it('takes an RSA key, signed with SHA-2: this sshd refuses SHA-1', async () => {
    const server = await sshd({});
    const file = join(server.folder, 'host_rsa');
    await copyFile(`${file}.pub`, join(server.folder, 'authorized_keys'));
    const rsa = { username: server.user, password: '', privateKey: await readFile(file, 'utf8') };
    const outcome = await syncEnds(end(server, source, rsa), end(server, source, rsa));
    expect(outcome).toMatchObject({ outcome: 'success', error: null });
    expect(server.log()).toMatch(/Accepted publickey for \S+ from .* RSA /);
  });

  const key = (privateKey: string): Credential => ({ username, password: '', privateKey });
  const keysToo = { config: ['PubkeyAuthentication yes'] };
  const oneTry = { config: ['PubkeyAuthentication yes', 'MaxAuthTries 1'] };
  it.each<[string, SshdOptions, () => Credential, ErrorCode]>([
    ['a wrong password', {}, () => ({ username, password: `${password}x` }), 'credentials_refused'],
    ['an unknown user', {}, () => ({ username: 'nobody-there', password }), 'credentials_refused'],
    ['a key where there are passwords only', {}, () => key(passwords.privateKey), 'password_required'],
    ['nothing', {}, () => ({ username, password: '' }), 'credentials_missing'],
    ['an unknown key, then a wrong password', keysToo, () => ({ ...key(strangerKey), password: 'x' }), 'credentials_refused'],
    ['a wrong password, where one try is all', oneTry, () => ({ username, password: 'x' }), 'credentials_refused'],
    ['an unknown key, where one try is all', oneTry, () => ({ ...key(strangerKey), password }), 'credentials_refused'],
    ['a password where there are keys only', { password: false }, () => ({ username, password }), 'public_key_required'],
    ['nothing where there are keys only', { password: false }, () => ({ username, password: '' }), 'public_key_required'],
  ])('refuses %s, by code and without the password', async (_name, options, credential, code) => {
    const server = await sshd({ password: true, ...options });
    const outcome = await syncEnds(end(server, source, credential()), end(server, source, { username, password }));
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code } });
    expect(JSON.stringify(outcome)).not.toContain(password);
  });

  it.each(hostKeyFileTypes)('proves its host key, of %s alone', async (type) => {
    const server = await sshd({ password: true, hostKeys: [type] });
    const all = { ...end(server, source, { username, password }), hostKeys: passwords.hostKeys };
    expect(await syncEnds(all, all)).toMatchObject({ outcome: 'success', refs: [] });
  });
});
