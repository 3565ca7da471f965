import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDeadline } from '../../../../lib/core/deadline.ts';
import { GitferryError } from '../../../../lib/core/errors.ts';
import { limits } from '../../../../lib/core/limits.ts';
import type { Credential } from '../../../../lib/credentials/credential.ts';
import { UploadPack } from '../../../../lib/git/client/upload-pack.ts';
import { parseRepositoryUrl } from '../../../../lib/git/transport/repository-url.ts';
import { createSshTransport } from '../../../../lib/git/transport/ssh/ssh.ts';
import type { SshConnection } from '../../../../lib/git/transport/ssh/ssh-connection.ts';
import { type KeptConnection, poolKey, SshPool } from '../../../../lib/git/transport/ssh/ssh-pool.ts';
import type { Transport } from '../../../../lib/git/transport/transport.ts';
import { createAddressGuard } from '../../../../lib/net/address-guard.ts';
import { codeOf } from '../../../support/byte-streams.ts';
import { git, temporaryFolder } from '../../../support/git.ts';
import { forThisTest } from '../../../support/http-transport.ts';
import { ecdsaKey, type SshTestServer, type SshTestServerOptions, startSshTestServer } from '../../../support/ssh-test-server.ts';

const privateKey = ecdsaKey();
const withKey = { username: 'git', password: '', privateKey };
const prefixes = ['refs/heads/'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  for (const [name, format] of [
    ['r.git', 'sha1'],
    ['long.git', 'sha256'],
  ] as const) {
    const path = join(folder.path, name);
    await git(folder.path, ['init', '--quiet', '--bare', '-b', 'main', `--object-format=${format}`, path]);
    const tree = await git(path, ['mktree'], { input: '' });
    await git(path, ['update-ref', 'refs/heads/main', await git(path, ['commit-tree', tree, '-m', 'x'])]);
  }
  await git(folder.path, ['init', '--quiet', '--bare', '-b', 'trunk', join(folder.path, 'empty.git')]);
});
afterAll(() => folder.remove());

/** Runs of one process. */
async function process(options: SshTestServerOptions = {}) {
  const server = await forThisTest(startSshTestServer(options));
  const sshPool = new SshPool<SshConnection>();
  const deadlines: ReturnType<typeof createDeadline>[] = [];
  onTestFinished(() => {
    sshPool.close();
    for (const deadline of deadlines) deadline.clear();
  });
  const transport = (
    repository = 'r.git',
    { credential = withKey, hostKeys = server.hostKeys, deadline = createDeadline(60_000) } = {},
  ) => {
    deadlines.push(deadline);
    const { url } = parseRepositoryUrl(server.url(join(folder.path, repository)), 'T');
    return createSshTransport(url, credential, { guard: createAddressGuard(['127.0.0.0/8']), deadline, hostKeys, sshPool });
  };
  return { server, sshPool, transport };
}

async function list(transport: Transport) {
  return (await UploadPack.open(transport, undefined, prefixes)).listRefs(prefixes);
}

async function listAndClose(transport: Transport) {
  try {
    return await list(transport);
  } finally {
    await transport.close();
  }
}

const connections = ({ log }: SshTestServer): number => log.connections;

describe('SSH connections between runs', () => {
  it('are used again: two runs one after the other connect once, two at once twice', async () => {
    const { server, transport } = await process();
    for (let run = 0; run < 3; run++) expect((await listAndClose(transport())).refs).toHaveLength(1);
    expect([connections(server), server.log.signIns.length]).toEqual([1, 1]);
    await Promise.all([listAndClose(transport()), listAndClose(transport())]);
    expect(connections(server)).toBe(2);
  });

  it.each<[string, { credential?: Credential; hostKeys?: readonly string[] }, string | undefined]>([
    ['another user', { credential: { ...withKey, username: 'other' } }, undefined],
    ['another key', { credential: { ...withKey, privateKey: ecdsaKey() } }, undefined],
    ['a password instead', { credential: { username: 'git', password: 'guessed' } }, 'public_key_required'],
    ['nothing to sign in with', { credential: { username: 'git', password: '' } }, 'public_key_required'],
    ['no host keys', { hostKeys: [] }, 'host_key_unknown'],
  ])('do not serve %s', async (_name, other, code) => {
    const { server, transport } = await process();
    await listAndClose(transport());
    expect(await codeOf(listAndClose(transport('r.git', other as never)))).toBe(code);
    expect(connections(server)).toBe(code === 'host_key_unknown' ? 1 : 2);
  });

  it('have a key that no two different sign-ins share', () => {
    const place = { host: 'h', port: 22 };
    const all = [
      poolKey(place, withKey, ['k']),
      poolKey({ ...place, port: 23 }, withKey, ['k']),
      poolKey({ ...place, host: 'h2' }, withKey, ['k']),
      poolKey(place, { username: 'git', password: privateKey }, ['k']),
      poolKey(place, { ...withKey, username: '' }, ['k']),
      poolKey(place, withKey, ['k', 'l']),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all.join()).not.toContain('PRIVATE');
  });

  it('that the server has ended meanwhile are replaced', async () => {
    const { server, transport } = await process();
    await listAndClose(transport());
    server.cut();
    expect((await listAndClose(transport())).refs).toHaveLength(1);
    expect(connections(server)).toBe(2);
  });

  it('are not kept where the server hangs up after each command, nor where it opens no further channel', async () => {
    for (const options of [{ hangUpAfterCommand: true }, { maxChannels: 1 }]) {
      const { server, transport } = await process(options);
      for (let run = 0; run < 3; run++) {
        expect((await listAndClose(transport())).refs).toHaveLength(1);
        if ('hangUpAfterCommand' in options) await vi.waitFor(() => expect(server.open()).toBe(0));
      }
      expect(connections(server)).toBe(3);
    }
  });

  it('end with a run that ends early, in the middle of an answer or by its deadline', async () => {
    const { server, transport } = await process();
    const busy = transport();
    await busy.open('git-upload-pack', { protocol: 2 });
    await busy.close();
    await listAndClose(transport());
    expect(connections(server)).toBe(2);
    const deadline = createDeadline(60_000);
    const cut = transport('r.git', { deadline });
    await list(cut);
    deadline.abort(new GitferryError('timed_out'));
    await cut.close();
    await listAndClose(transport());
    expect(connections(server)).toBe(3);
  });

  it('do not end with the deadline of an earlier run', async () => {
    const { server, transport } = await process();
    const deadline = createDeadline(60_000);
    await listAndClose(transport('r.git', { deadline }));
    deadline.abort(new GitferryError('timed_out'));
    await listAndClose(transport());
    expect(connections(server)).toBe(1);
  });
});

/** A connection that only says what happened to it. */
class Kept implements KeptConnection {
  failure: GitferryError | undefined;
  ends = 0;
  released = 0;
  async exec() {
    return undefined;
  }
  end(): void {
    this.ends++;
  }
  release(): void {
    this.released++;
  }
}

describe('the pool', () => {
  it('ends what is idle for its time, whether or not its timers ran', () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const pool = new SshPool<Kept>();
    const [timed, frozen] = [new Kept(), new Kept()];
    pool.keep('a', timed);
    vi.advanceTimersByTime(limits.idleConnectionMs);
    expect([timed.ends, pool.take('a')]).toEqual([1, undefined]);
    pool.keep('a', frozen);
    vi.setSystemTime(Date.now() + limits.idleConnectionMs);
    expect([pool.take('a'), frozen.ends]).toEqual([undefined, 1]);
  });

  it('keeps so many, ends all at its own end, and what comes later at once', () => {
    const pool = new SshPool<Kept>();
    const all = Array.from({ length: limits.sshIdleConnections + 1 }, () => new Kept());
    for (const connection of all) pool.keep('a', connection);
    expect(all.filter(({ ends }) => ends > 0)).toHaveLength(1);
    expect(pool.take('b')).toBeUndefined();
    pool.close();
    expect(all.every(({ ends }) => ends === 1)).toBe(true);
    const late = new Kept();
    pool.keep('a', late);
    expect([late.ends, pool.take('a')]).toEqual([1, undefined]);
  });
});

describe('a list that is asked for together with the command', () => {
  it('needs no command of its own', async () => {
    const { server, transport } = await process();
    expect(await listAndClose(transport())).toMatchObject({ headBranch: 'refs/heads/main', refs: [{ name: 'refs/heads/main' }] });
    expect(server.log.commands).toHaveLength(1);
  });

  it('says what an empty repository’s HEAD names', async () => {
    const { transport } = await process();
    expect(await listAndClose(transport('empty.git'))).toMatchObject({ headBranch: 'refs/heads/trunk', refs: [] });
  });

  it.each<[string, SshTestServerOptions, string]>([
    ['protocol v0', { acceptEnv: false }, 'r.git'],
    ['SHA-256', {}, 'long.git'],
  ])('costs one more command with %s, once in a process', async (_name, options, repository) => {
    const { server, transport } = await process(options);
    const commands: number[] = [];
    for (let run = 0; run < 3; run++) {
      const before = server.log.commands.length;
      expect((await listAndClose(transport(repository))).refs).toHaveLength(1);
      commands.push(server.log.commands.length - before);
    }
    expect(commands).toEqual([2, 1, 1]);
  });
});
