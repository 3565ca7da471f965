import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../../lib/core/deadline.ts';
import { detectHostKeys } from '../../../../lib/git/transport/host-keys/detect-host-keys.ts';
import { createAddressGuard } from '../../../../lib/net/address-guard.ts';
import { isAvailable } from '../../../support/programs.ts';
import { startSshd } from '../../../support/sshd.ts';

const run = promisify(execFile);

function detect(port: number, { allow = ['127.0.0.0/8'], ms = 20_000 } = {}) {
  const deadline = createDeadline(ms);
  onTestFinished(() => deadline.clear());
  return detectHostKeys({ host: '127.0.0.1', port }, { guard: createAddressGuard(allow), deadline });
}

/** A server that says this to everybody and hangs up; without words, it says nothing and waits. */
async function portThatSays(words: string | undefined): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    if (words !== undefined) socket.end(words);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe.runIf(isAvailable('sshd'))('detectHostKeys', () => {
  it('finds what ssh-keyscan finds, with the fingerprints of ssh-keygen -l', async () => {
    const server = await startSshd();
    onTestFinished(async () => {
      await server.close();
      await rm(server.folder, { recursive: true, force: true });
    });
    const found = await detect(server.port);
    expect(found.map(({ line }) => line)).toEqual(server.hostKeys);

    const { stdout: scanned } = await run('ssh-keyscan', ['-p', String(server.port), '127.0.0.1']);
    const ofKeygen = async (hash: string): Promise<string[]> => {
      const keygen = run('ssh-keygen', ['-l', '-E', hash, '-f', '-']);
      keygen.child.stdin?.end(scanned);
      return (await keygen).stdout.trim().split('\n').sort();
    };
    const name = `[127.0.0.1]:${server.port}`;
    expect(found.map(({ bits, sha256, label }) => `${bits} ${sha256} ${name} (${label})`).sort()).toEqual(await ofKeygen('sha256'));
    expect(found.map(({ bits, md5, label }) => `${bits} ${md5} ${name} (${label})`).sort()).toEqual(await ofKeygen('md5'));
  });

  it('finds the one key of a server that has one', async () => {
    const server = await startSshd({ hostKeys: ['rsa'] });
    onTestFinished(async () => {
      await server.close();
      await rm(server.folder, { recursive: true, force: true });
    });
    expect((await detect(server.port)).map(({ line }) => line)).toEqual(server.hostKeys);
  });
});

describe('detectHostKeys, where there are none', () => {
  it('refuses addresses before it connects', async () => {
    await expect(detect(22, { allow: [] })).rejects.toMatchObject({ code: 'address_blocked' });
  });

  it('tells what is no SSH server', async () => {
    await expect(detect(await portThatSays('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(40)))).rejects.toMatchObject({
      code: 'not_an_ssh_server',
    });
  });

  it('ends in time where nothing is said', async () => {
    await expect(detect(await portThatSays(undefined), { ms: 300 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('tells where nobody listens', async () => {
    const port = await portThatSays(undefined);
    await expect(detect(port === 1 ? 2 : 1)).rejects.toMatchObject({ code: 'connection_failed' });
  });
});
