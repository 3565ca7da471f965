import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDeadline } from '../../../../lib/core/deadline.ts';
import type { ErrorCode } from '../../../../lib/core/error-catalogue.ts';
import { limits } from '../../../../lib/core/limits.ts';
import { parseRepositoryUrl } from '../../../../lib/git/transport/repository-url.ts';
import { createSshTransport } from '../../../../lib/git/transport/ssh/ssh.ts';
import type { Transport } from '../../../../lib/git/transport/transport.ts';
import { encodePkt, flushPkt } from '../../../../lib/git/wire/pkt-line.ts';
import { createAddressGuard } from '../../../../lib/net/address-guard.ts';
import { codeOf, readAll, settled } from '../../../support/byte-streams.ts';
import { git, refsOf, temporaryFolder } from '../../../support/git.ts';
import { forThisTest } from '../../../support/http-transport.ts';
import { type RemoteEnd, syncEnds } from '../../../support/ssh-sync.ts';
import { ecdsaKey, type SshTestServer, type SshTestServerOptions, startSshTestServer } from '../../../support/ssh-test-server.ts';
import { pkts } from '../../../torture/hostile-server.ts';
import { startHostileSshServer } from '../../../torture/hostile-ssh-server.ts';

const privateKey = ecdsaKey();
const credential = { username: 'git', password: '', privateKey };
const waits = { handshakeMs: 2_000, channelMs: 2_000, answerMs: 500 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let repository: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  repository = join(folder.path, 'r.git');
  await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', repository]);
  // A pack of about 300 KB that does not compress.
  const blob = await git(repository, ['hash-object', '-w', '--stdin'], { input: crypto.getRandomValues(new Uint8Array(60_000)) });
  const more = await Promise.all(
    [1, 2, 3, 4].map(() => git(repository, ['hash-object', '-w', '--stdin'], { input: crypto.getRandomValues(new Uint8Array(60_000)) })),
  );
  const tree = await git(repository, ['mktree'], {
    input: [blob, ...more].map((oid, index) => `100644 blob ${oid}\tf${index}\n`).join(''),
  });
  await git(repository, ['update-ref', 'refs/heads/main', await git(repository, ['commit-tree', tree, '-m', 'x'])]);
});

afterAll(() => folder.remove());

function transportTo(server: SshTestServer, path = repository): Transport {
  const deadline = createDeadline(60_000);
  const transport = createSshTransport(parseRepositoryUrl(server.url(path), 'T').url, credential, {
    ...{ guard: createAddressGuard(['127.0.0.0/8']), deadline, hostKeys: server.hostKeys, waits },
  });
  onTestFinished(async () => {
    await transport.close();
    deadline.clear();
  });
  return transport;
}

describe('a command that does not speak Git', () => {
  it.each<[string, NonNullable<SshTestServerOptions['forcedCommand']>, ErrorCode, string]>([
    ['prints a banner', { stdout: 'Welcome to example!\n', exit: 0 }, 'not_a_git_server', 'Welcome to example!'],
    ['prints a banner before Git', { stdout: 'You have mail.\n', thenGit: true }, 'not_a_git_server', 'You have mail.'],
    ['prints a very long banner', { stdout: 'x'.repeat(5_000), exit: 0 }, 'not_a_git_server', 'xxx'],
    ['paints the terminal', { stdout: '\u001b[31mNo\u001b[0m shell here', exit: 0 }, 'not_a_git_server', 'No shell here'],
    ['says nothing', { exit: 0 }, 'not_a_git_server', 'exit status 0'],
    [
      'ends with 128 and words',
      { stderr: "fatal: '/r' does not appear to be a git repository\n", exit: 128 },
      'repository_not_found',
      'does not appear',
    ],
    [
      'ends with 1 and words',
      { stderr: 'ERROR: Repository not found.\n', exit: 1 },
      'repository_not_found',
      'ERROR: Repository not found.',
    ],
    ['is not there', { stderr: 'sh: git-upload-pack: not found\n', exit: 127 }, 'not_a_git_server', '127'],
    ['has trouble behind it', { stderr: 'backend is down\n', exit: 255 }, 'server_error', 'backend is down'],
    [
      'ends with 1: archived',
      { stderr: 'ERROR: This repository was archived so it is read-only.\n', exit: 1 },
      'repository_read_only',
      'archived',
    ],
    [
      'ends with 1: a key that only reads',
      { stderr: 'ERROR: The key you are authenticating with has been marked as read only.\n', exit: 1 },
      'permission_denied',
      'read only',
    ],
    ['is killed', { signal: 'SIGKILL' }, 'connection_failed', 'SIGKILL'],
    ['refuses in a packet', { stdout: encodePkt('ERR access denied').toString(), exit: 1 }, 'remote_error', 'access denied'],
  ])('and %s is named by code, with its words', async (_name, forcedCommand, code, words) => {
    const transport = transportTo(await forThisTest(startSshTestServer({ forcedCommand })));
    const result = await settled(async () => {
      const { advertisement } = await transport.open('git-upload-pack', { protocol: 2 });
      const text = await readAll(advertisement!);
      // A packet that says ERR is for the client above to read.
      return text.toString('latin1');
    });
    if (code === 'remote_error') return expect(result).toMatchObject({ value: expect.stringContaining(words) });
    expect(result).toMatchObject({ code, message: expect.stringContaining(words) });
    expect('message' in result && result.message.length).toBeLessThan(limits.remoteWordsBytes);
  });

  // Gogs' built-in server: words on standard error, then the end of the channel, without exit status or signal.
  it.each<[string, ErrorCode, RegExp]>([
    ['Gogs: Key permission denied', 'permission_denied', /deploy key needs write access/],
    ['Gogs: Key access denied', 'permission_denied', /deploy key needs write access/],
    ['Gogs: Repository does not exist or you do not have access', 'repository_not_found', /Check the path/],
    ['Gogs: something new', 'repository_not_found', /Check the path/],
  ])('says %j without an exit status: a refusal, parked', async (said, code, hint) => {
    const server = await forThisTest(startSshTestServer({ noExitStatus: true, forcedCommand: { stderr: `${said}\n` } }));
    for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
      const error = await transportTo(server)
        .open(service, { protocol: 2 })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, words: said, disposition: 'park', hint: expect.stringMatching(hint) });
    }
  });

  it('says nothing and sends no exit status: that is a breakdown', async () => {
    const server = await forThisTest(startSshTestServer({ noExitStatus: true, forcedCommand: {} }));
    expect(await codeOf(transportTo(server).open('git-upload-pack', { protocol: 2 }))).toBe('connection_failed');
  });

  it('goes silent, and is timed out', async () => {
    const transport = transportTo(await forThisTest(startSshTestServer({ hangAt: 'answer' })));
    expect(await codeOf(transport.open('git-upload-pack', { protocol: 2 }))).toBe('timed_out');
  });
});

describe('one run', () => {
  it('uses one connection, and says goodbye to commands that still wait', async () => {
    const server = await forThisTest(startSshTestServer());
    const transport = transportTo(server);
    for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
      const { advertisement } = await transport.open(service, { protocol: service === 'git-upload-pack' ? 2 : 0 });
      await readAll(advertisement!);
    }
    await transport.close();
    await server.idle();
    expect(server.log.connections).toBe(1);
    expect(server.log.commands).toEqual([`git-upload-pack '${repository}'`, `git-receive-pack '${repository}'`]);
  });
});

describe('many runs at once in one process', () => {
  it('leave no socket, timer, listener or command behind, and warn of no leak', async () => {
    const server = await forThisTest(startSshTestServer());
    const warnings: string[] = [];
    const warn = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', warn);
    const deadline = createDeadline(60_000);
    const connect = (): Transport =>
      createSshTransport(parseRepositoryUrl(server.url(repository), 'T').url, credential, {
        ...{ guard: createAddressGuard(['127.0.0.0/8']), deadline, hostKeys: server.hostKeys },
      });
    const held = (): number => process.getActiveResourcesInfo().filter((name) => /TCPSocket|Process|Pipe|Timeout/.test(name)).length;
    const before = held();
    const transports = Array.from({ length: 16 }, connect);
    await Promise.all(
      transports.map(async (transport, index) => {
        for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
          const { advertisement } = await transport.open(service, { protocol: index % 2 === 0 ? 2 : 0 });
          // Some are read, some dropped, some never looked at.
          if (index % 3 === 0) await readAll(advertisement!);
          if (index % 3 === 1) advertisement!.destroy();
        }
        await transport.close();
      }),
    );
    expect(getEventListeners(deadline.signal, 'abort')).toHaveLength(0);
    deadline.clear();
    await server.idle();
    await expect.poll(held, { timeout: 5_000 }).toBeLessThanOrEqual(before);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});

describe('a connection that is cut', () => {
  async function emptyTarget(name: string): Promise<string> {
    const path = join(folder.path, name);
    await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', path]);
    return path;
  }

  const endAt = (server: SshTestServer, path: string): RemoteEnd => ({ url: server.url(path), credential, hostKeys: server.hostKeys });

  it.each<[string, SshTestServerOptions, SshTestServerOptions, ErrorCode]>([
    ['at the source in the middle of the pack', { cutAfter: { service: 'git-upload-pack', bytes: 150_000 } }, {}, 'pack_truncated'],
    [
      'at the source in the middle of the pack, with v0',
      { acceptEnv: false, cutAfter: { service: 'git-upload-pack', bytes: 150_000 } },
      {},
      'pack_truncated',
    ],
    [
      'at the target in the middle of the pack',
      {},
      { cutInputAfter: { service: 'git-receive-pack', bytes: 100_000 } },
      'connection_failed',
    ],
  ])('%s leaves the target unharmed, and the next run completes it', async (name, sourceOptions, targetOptions, code) => {
    const path = await emptyTarget(`${name.replace(/\W/g, '')}.git`);
    const [source, target] = [await forThisTest(startSshTestServer(sourceOptions)), await forThisTest(startSshTestServer(targetOptions))];
    const outcome = await syncEnds(endAt(source, repository), endAt(target, path), ['--lfs', 'off']);
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code } });
    expect(await refsOf(path)).toEqual({});
    await git(path, ['fsck', '--strict']);
    const healthy = await forThisTest(startSshTestServer());
    expect(await syncEnds(endAt(healthy, repository), endAt(healthy, path), ['--lfs', 'off'])).toMatchObject({ outcome: 'success' });
    expect(await refsOf(path)).toEqual(await refsOf(repository));
  });
});

it('A push that is answered before its pack has gone leaves no timer behind', async () => {
  const server = await forThisTest(
    startHostileSshServer(
      {},
      {
        command(channel) {
          channel.write(pkts(`${'0'.repeat(40)} capabilities^{}\0report-status side-band-64k`));
          channel.once('data', () => channel.write(encodePkt('\x02at work\n')));
          channel.on('end', () => {
            channel.write(flushPkt);
            channel.exit(0);
            channel.end();
          });
        },
      },
    ),
  );
  const deadline = createDeadline(60_000);
  const transport = createSshTransport(parseRepositoryUrl(server.url.replace('git:word@', ''), 'T').url, credential, {
    ...{ guard: createAddressGuard(['127.0.0.0/8']), deadline, hostKeys: [server.hostKey] },
  });
  onTestFinished(async () => {
    await transport.close();
    deadline.clear();
  });
  const conversation = await transport.open('git-receive-pack', { protocol: 0 });
  await readAll(conversation.advertisement!);
  let goOn = (): void => {};
  const answered = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const [timers, cleared] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')];
  onTestFinished(() => {
    timers.mockRestore();
    cleared.mockRestore();
  });
  const answer = await conversation.request(
    (async function* () {
      yield Buffer.from('a pack that begins');
      await answered;
      yield Buffer.from('and ends');
    })(),
  );
  goOn();
  expect((await readAll(answer)).toString()).toBe('000d\x02at work\n0000');
  await transport.close();
  const ended = new Set(cleared.mock.calls.map(([timer]) => timer));
  expect(timers.mock.results.filter(({ value }) => !ended.has(value))).toEqual([]);
});
