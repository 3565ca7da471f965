import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gitferry } from '../support/command.ts';
import { git, refsOf } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';
import type { RunningService } from '../support/service.ts';
import {
  createHook,
  createProject,
  deliverPush,
  ok,
  serviceScenario,
  type TestRepository,
  untilAt,
  untilSettled,
} from '../support/service-scenario.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import { type Sshd, type SshdOptions, startSshd } from '../support/sshd.ts';

async function sshd(options: SshdOptions = {}): Promise<Sshd> {
  const server = await startSshd(options);
  onTestFinished(async () => {
    await server.close();
    await rm(server.folder, { recursive: true, force: true });
  });
  return server;
}

async function emptyRepository(folder: string, name: string): Promise<string> {
  const path = join(folder, `${name}.git`);
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  return path;
}

/** As the forge would: lets a key in. */
async function allow({ folder }: Sshd, publicKey: string): Promise<void> {
  await appendFile(join(folder, 'authorized_keys'), `${publicKey}\n`);
}

async function detect({ api }: RunningService, url: string) {
  return ok(await api('POST', '/ssh_host_keys/detect', { url }));
}

const head = async (path: string): Promise<string | undefined> => (await refsOf(path))['refs/heads/main'];

describe.runIf(isAvailable('sshd'))('the service over SSH', () => {
  it('detects, makes a key, mirrors, notices another host key, and goes on when somebody has confirmed it; so do renewed keys', async () => {
    const world = await serviceScenario();
    const { service } = world;
    const forge = await world.forge('forge');
    const source = await forge.repository('source');
    const first = await source.commit();
    const server = await sshd({ hostKeys: ['ed25519', 'rsa'] });
    const path = await emptyRepository(world.folder, 'target');
    const url = `ssh://${server.user}@127.0.0.1:${server.port}${path}`;

    const detected = await detect(service, url);
    expect(detected.known_hosts.split('\n')).toEqual(server.hostKeys);
    const project = await createProject(service, 'ssh/pushed', source.url);
    const made = ok(
      await service.api('POST', `/projects/${project}/remote_mirrors`, {
        url,
        auth_method: 'ssh_public_key',
        host_keys: [detected.known_hosts],
      }),
    );
    expect(made).toMatchObject({ url: `ssh://*****@127.0.0.1:${server.port}${path}`, auth_method: 'ssh_public_key' });
    const mirror = `/projects/${project}/remote_mirrors/${made.id}`;

    // The server does not know the key yet.
    expect(await untilSettled(service, mirror)).toMatchObject({ update_status: 'failed', last_error_code: 'credentials_refused' });
    const { public_key: publicKey } = ok(await service.api('GET', `${mirror}/public_key`));
    await allow(server, publicKey);
    ok(await service.api('POST', `${mirror}/sync`));
    await untilAt({ at: () => head(path) } as TestRepository, first);
    expect(await untilSettled(service, mirror)).toMatchObject({ update_status: 'finished', last_error: null });

    // The same host and port, other keys. A connection that was kept from the last run would not notice.
    await server.endConnections();
    await server.close();
    const changed = await sshd({ config: [`Port ${server.port}`], hostKeys: ['ed25519', 'ecdsa'] });
    await allow(changed, publicKey);
    const second = await source.commit();
    ok(await service.api('POST', `${mirror}/sync`));
    const parked = await untilStatus(service, mirror, 'failed');
    expect(parked.last_error_code).toBe('host_key_changed');
    const again = await detect(service, url.replace(/:\d+\//, `:${server.port}/`));
    const sha256 = (of: typeof detected): string => of.fingerprints.find(({ type }: { type: string }) => type === 'ssh-ed25519').sha256;
    expect(sha256(again)).not.toBe(sha256(detected));
    expect(parked.last_error).toContain(sha256(again));
    expect(parked.last_error).toContain(sha256(detected));
    expect(await head(path)).toBe(first);

    const confirmed = ok(await service.api('PUT', mirror, { host_keys: again.known_hosts.split('\n') }));
    expect(confirmed.host_keys.map(({ fingerprint_sha256 }: { fingerprint_sha256: string }) => fingerprint_sha256)).toContain(
      sha256(again),
    );
    await untilAt({ at: () => head(path) } as TestRepository, second);
    await untilStatus(service, mirror, 'finished');

    const { public_key: renewed } = ok(await service.api('POST', `${mirror}/public_key`));
    expect(renewed).not.toBe(publicKey);
    expect(ok(await service.api('GET', mirror)).update_status).toBe('none');
    const third = await source.commit();
    ok(await service.api('POST', `${mirror}/sync`));
    expect(await untilStatus(service, mirror, 'failed')).toMatchObject({ last_error_code: 'credentials_refused' });
    await allow(changed, renewed);
    ok(await service.api('POST', `${mirror}/sync`));
    await untilAt({ at: () => head(path) } as TestRepository, third);
    expect(service.output()).not.toMatch(/PRIVATE KEY/);
  });

  it('mirrors a project that is itself at ssh://, on its push events, with a shared key and with a password', async () => {
    const world = await serviceScenario();
    const { service } = world;
    const server = await sshd();
    const path = await emptyRepository(world.folder, 'project');
    const targets = [await emptyRepository(world.folder, 'one'), await emptyRepository(world.folder, 'two')] as const;
    const asking = await startSshTestServer({ methods: ['keyboard-interactive'], user: 'ferry', password: 'asked for it' });
    onTestFinished(() => asking.close());

    const shared = ok(
      await service.api('POST', '/credentials', {
        name: 'deploy',
        username: server.user,
        auth_method: 'ssh_public_key',
        key_type: 'rsa',
        allowed_urls: [`ssh://${new URL(server.url(path)).host}/`],
      }),
    );
    await allow(server, shared.public_key);
    const address = { auth_method: 'ssh_public_key', credential_id: shared.id, host_keys: server.hostKeys };
    const project = await createProject(service, 'ssh/own', server.url(path), address);
    expect(ok(await service.api('GET', `/projects/${project}/public_key`)).public_key).toBe(shared.public_key);
    const wanted = [
      { url: server.url(targets[0]), ...address },
      { url: asking.url(targets[1]), username: 'ferry', password: 'asked for it', host_keys: asking.hostKeys },
    ];
    for (const body of wanted) ok(await service.api('POST', `/projects/${project}/remote_mirrors`, body));

    const commit = await git(path, ['commit-tree', await git(path, ['mktree'], { input: '' }), '-m', 'first']);
    await git(path, ['update-ref', 'refs/heads/main', commit]);
    const hook = await createHook(service, project);
    const delivered = await deliverPush(service, hook, {
      url: server.url(path).replace('ssh://', `ssh://${server.user}@`),
    } as TestRepository);
    expect(delivered.body.status).toMatch(/queued|merged/);
    for (const target of targets) await untilAt({ at: () => head(target) } as TestRepository, commit);
    expect(asking.log.signIns.length).toBeGreaterThan(0);
    expect(service.output()).not.toMatch(/asked for it|PRIVATE KEY/);
  });
});

describe.runIf(isAvailable('sshd'))('the command over SSH', () => {
  it('detects, mirrors, refuses another host key, and goes on with new ones', async () => {
    const server = await sshd();
    const source = await emptyRepository(server.folder, 'source');
    const target = await emptyRepository(server.folder, 'target');
    const commit = await git(source, ['commit-tree', await git(source, ['mktree'], { input: '' }), '-m', 'first']);
    await git(source, ['update-ref', 'refs/heads/main', commit]);
    const allowed = { GITFERRY_ALLOW_ADDRESSES: '127.0.0.1/32' };
    const knownHosts = join(server.folder, 'known_hosts');
    const detectInto = async (): Promise<void> => {
      const { status, stdout } = await gitferry(['host-keys', `127.0.0.1:${server.port}`], allowed);
      expect(status).toBe(0);
      await writeFile(knownHosts, stdout);
    };
    const url = (path: string) => server.url(path).replace('ssh://', `ssh://${server.user}@`);
    const keys = ['--source-ssh-key', server.privateKeyFile, '--target-ssh-key', server.privateKeyFile];
    const sync = async () => {
      const { status, stdout } = await gitferry(
        ['sync', url(source), url(target), ...keys, '--known-hosts', knownHosts, '--json'],
        allowed,
      );
      return { status, ...JSON.parse(stdout) };
    };

    await detectInto();
    expect(await sync()).toMatchObject({ status: 0, outcome: 'success', counts: { created: 1 } });
    expect(await head(target)).toBe(commit);

    await server.close();
    const changed = await sshd({ config: [`Port ${server.port}`, `AuthorizedKeysFile ${server.privateKeyFile}.pub`] });
    expect(await sync()).toMatchObject({ status: 1, outcome: 'failed', error: { code: 'host_key_changed' } });
    await detectInto();
    expect(await sync()).toMatchObject({ status: 0, outcome: 'success' });
    expect(await refsOf(target)).toEqual(await refsOf(source));
    const wrongKey = await gitferry(
      ['sync', url(source), url(target), '--source-ssh-key', changed.privateKeyFile, '--known-hosts', knownHosts, '--json'],
      allowed,
    );
    expect([wrongKey.status, JSON.parse(wrongKey.stdout).error.code]).toEqual([1, 'credentials_refused']);
  });
});

/** Waits until the last run has ended like this. */
async function untilStatus(service: RunningService, mirror: string, status: 'failed' | 'finished') {
  const { until } = await import('../support/service.ts');
  return until(`${mirror} ${status}`, async () => {
    const answer = ok(await service.api('GET', mirror));
    return answer.update_status === status ? answer : undefined;
  });
}
