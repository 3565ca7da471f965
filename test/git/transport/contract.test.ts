/** What every transport does alike: one suite for smart HTTP and for SSH. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeadline, type Deadline } from '../../../lib/core/deadline.ts';
import { History } from '../../../lib/git/client/ask-history.ts';
import { questionKey } from '../../../lib/git/client/history-questions.ts';
import { ReceivePack } from '../../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../../lib/git/client/upload-pack.ts';
import { openPack } from '../../../lib/git/pack/incoming-pack.ts';
import { createTransport, type RemoteEndpoint } from '../../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../../lib/git/transport/repository-url.ts';
import type { Transport } from '../../../lib/git/transport/transport.ts';
import { Capabilities } from '../../../lib/git/wire/capabilities.ts';
import { createAddressGuard } from '../../../lib/net/address-guard.ts';
import { createHttpClient } from '../../../lib/net/http-client.ts';
import { codeOf, readAll } from '../../support/byte-streams.ts';
import { git, refsOf, temporaryFolder } from '../../support/git.ts';
import { startGitHttpServer } from '../../support/git-http-server.ts';
import { isAvailable } from '../../support/programs.ts';
import { ecdsaKey, type SshTestServerOptions, startSshTestServer } from '../../support/ssh-test-server.ts';
import { type SshdOptions, startSshd } from '../../support/sshd.ts';
import { passwordAccount } from '../../support/sshd-account.ts';

interface Host {
  endpoint(path: string): RemoteEndpoint;
  close(): Promise<void>;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let repository: string;
let commits: readonly string[] = [];
let deadline: Deadline;
const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
const privateKey = ecdsaKey();

beforeAll(async () => {
  folder = await temporaryFolder();
  deadline = createDeadline(120_000);
  repository = join(folder.path, 'r.git');
  await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', repository]);
  const tree = await git(repository, ['hash-object', '-t', 'tree', '-w', '--stdin']);
  const made: string[] = [];
  for (let index = 0; index < 8; index++) {
    const parent = made.at(-1);
    made.push(await git(repository, ['commit-tree', tree, ...(parent === undefined ? [] : ['-p', parent]), '-m', `commit ${index}`]));
  }
  commits = made;
  const side = await git(repository, ['commit-tree', tree, '-p', commits[0]!, '-m', 'side']);
  await git(repository, ['update-ref', 'refs/heads/main', commits[7]!]);
  await git(repository, ['update-ref', 'refs/heads/side', side]);
  await git(repository, ['tag', '-a', '-m', 'x', 'v1', commits[3]!]);
  await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', 'empty.git']);
  await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', '--object-format=sha256', 'sha256.git']);
});

afterAll(async () => {
  deadline.clear();
  await http.close();
  await folder.remove();
});

async function overHttp(v0Only: boolean): Promise<Host> {
  const server = await startGitHttpServer({ root: folder.path, v0Only });
  return {
    endpoint: (path) => ({
      url: parseRepositoryUrl(server.url(path.slice(folder.path.length + 1)), 'T').url,
      credential: undefined,
      hostKeys: [],
    }),
    close: () => server.close(),
  };
}

async function overSsh(options: SshTestServerOptions): Promise<Host> {
  const server = await startSshTestServer(options);
  return {
    endpoint: (path) => ({
      url: parseRepositoryUrl(server.url(path), 'T').url,
      credential: { username: 'git', password: '', privateKey },
      hostKeys: server.hostKeys,
    }),
    close: () => server.close(),
  };
}

async function overSshd(options: SshdOptions): Promise<Host> {
  const server = await startSshd(options);
  const secret = options.password === true ? { password: passwordAccount.password } : { password: '', privateKey: server.privateKey };
  return {
    endpoint: (path) => ({
      url: parseRepositoryUrl(server.url(path), 'T').url,
      credential: { username: server.user, ...secret },
      hostKeys: server.hostKeys,
    }),
    close: async () => {
      await server.close();
      await rm(server.folder, { recursive: true, force: true });
    },
  };
}

const hosts: [string, 0 | 2, () => Promise<Host>][] = [
  ['HTTP, v2', 2, () => overHttp(false)],
  ['HTTP, v0', 0, () => overHttp(true)],
  ['SSH, v2', 2, () => overSsh({})],
  ['SSH, v0', 0, () => overSsh({ acceptEnv: false })],
  ['SSH with one channel a connection, v2', 2, () => overSsh({ maxChannels: 1 })],
  ['SSH with two channels a connection, v0', 0, () => overSsh({ maxChannels: 2, acceptEnv: false })],
  ['SSH that hangs up after each command, v0', 0, () => overSsh({ hangUpAfterCommand: true, acceptEnv: false })],
  ['SSH that sends no exit status, v2', 2, () => overSsh({ noExitStatus: true })],
];
if (isAvailable('sshd')) hosts.push(['OpenSSH, v2', 2, () => overSshd({})]);
if (isAvailable('sshd') && isAvailable('nssWrapper')) {
  hosts.push(['OpenSSH with a password, v0', 0, () => overSshd({ password: true, acceptEnv: false })]);
}

describe.each(hosts)('a transport over %s', (name, version, start) => {
  let host: Host;
  let transport: Transport;
  const open = (path: string): Transport =>
    createTransport(host.endpoint(path), { http, guard: createAddressGuard(['127.0.0.0/8']), deadline });

  beforeAll(async () => {
    host = await start();
    transport = open(repository);
  });

  afterAll(async () => {
    await transport.close();
    await host.close();
  });

  const listed = async (): Promise<History> =>
    new History(await UploadPack.open(transport), new Set(Object.values(await refsOf(repository))), deadline.signal);

  it('lists refs and HEAD, time and again', async () => {
    const source = await UploadPack.open(transport);
    expect(source.version).toBe(version);
    for (let turn = 0; turn < 3; turn++) {
      const { refs, headBranch } = await source.listRefs(['refs/heads/', 'refs/tags/']);
      expect(Object.fromEntries(refs.map((ref) => [ref.name, ref.oid]))).toEqual(await refsOf(repository));
      expect(headBranch).toBe('refs/heads/main');
    }
  });

  it('fetches a pack to its end', async () => {
    const source = await UploadPack.open(transport);
    const answer = await source.fetch({ wants: [commits[7]!], haves: [], done: true, thinPack: false, ofsDelta: true }, { patient: true });
    const pack = await openPack(answer.pack, 'sha1');
    const bytes = await readAll(pack.bytes);
    expect(pack.objects).toBe(9);
    expect(await git(repository, ['index-pack', '--stdin', '--strict'], { input: bytes })).toMatch(/^pack\t/);
  });

  it('answers many history questions at once, and answers that are dropped do no harm', async () => {
    const source = await UploadPack.open(transport);
    const dropped = await source.fetch({ wants: [commits[7]!], haves: [], done: true, thinPack: false, ofsDelta: true }, { patient: true });
    dropped.abort();
    const history = await listed();
    const side = (await refsOf(repository))['refs/heads/side']!;
    const questions = [...commits.slice(0, 7).map((commit) => ({ commit, within: commits[7]! })), { commit: side, within: commits[7]! }];
    const answers = await history.contained(questions, { decisive: true });
    expect(questions.map((question) => answers.get(questionKey(question)))).toEqual([...Array.from({ length: 7 }, () => 'yes'), 'no']);
  });

  it('says what the server says of a want it does not have, and goes on', async () => {
    const source = await UploadPack.open(transport);
    const request = { wants: ['1'.repeat(40)], haves: [], done: true, thinPack: false, ofsDelta: false };
    expect(await codeOf(source.fetch(request, { patient: false }))).toMatch(/^(remote_error|pack_truncated)$/);
    expect((await source.listRefs(['refs/heads/'])).refs).toHaveLength(2);
  });

  it('pushes, reports, and takes another push in the same run', async () => {
    const path = join(folder.path, `target-${name.replace(/\W/g, '')}.git`);
    await git(folder.path, ['clone', '--quiet', '--bare', repository, path]);
    const to = open(path);
    const target = await ReceivePack.open(to);
    const { report } = await target.push(
      [{ ref: 'refs/heads/side', old: target.refs.find((ref) => ref.name === 'refs/heads/side')!.oid, new: null }],
      undefined,
    );
    expect(report?.refs).toEqual(new Map([['refs/heads/side', undefined]]));
    const again = await target.push([{ ref: 'refs/heads/side', old: '1'.repeat(40), new: null }], undefined);
    expect(again.report?.unpack).toBe('ok');
    expect(Object.keys(await refsOf(path)).sort()).toEqual(['refs/heads/main', 'refs/tags/v1']);
    await to.close();
  });

  it('reads an empty repository, and one of SHA-256', async () => {
    for (const [path, format] of [
      ['empty.git', 'sha1'],
      ['sha256.git', 'sha256'],
    ] as const) {
      const other = open(join(folder.path, path));
      const [source, target] = [await UploadPack.open(other), await ReceivePack.open(other)];
      expect((await source.listRefs(['refs/'])).refs).toEqual([]);
      expect(target.refs).toEqual([]);
      expect(target.objectFormat).toBe(format);
      await other.close();
    }
  });

  it('takes v2 for granted where it is told so, and notices where that is wrong', async () => {
    const fresh = open(repository);
    const source = await UploadPack.assumeV2(fresh, new Capabilities(['agent', 'ls-refs']), 'sha1');
    const listing = codeOf(source.listRefs(['refs/heads/']));
    if (version === 2) expect(await listing).toBeUndefined();
    else expect(await listing).toBeDefined();
    expect((await UploadPack.open(fresh)).version).toBe(version);
    await fresh.close();
  });

  it('calls a repository that is not there repository_not_found', async () => {
    const nowhere = open(join(folder.path, 'no-such.git'));
    await mkdir(join(folder.path, 'plain'), { recursive: true });
    const plain = open(join(folder.path, 'plain'));
    expect(await codeOf(UploadPack.open(nowhere))).toBe('repository_not_found');
    expect(await codeOf(ReceivePack.open(plain))).toBe('repository_not_found');
    await Promise.all([nowhere.close(), plain.close()]);
  });
});
