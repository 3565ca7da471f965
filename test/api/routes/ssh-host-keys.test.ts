import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { isAvailable } from '../../support/programs.ts';
import { startSshd } from '../../support/sshd.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ allowAddresses: ['127.0.0.1/32'] });
});
afterAll(() => api.close());

const detect = (body: object, token?: string) =>
  api.call('POST', '/ssh_host_keys/detect', { body, ...(token === undefined ? {} : { token }) });

describe('POST /ssh_host_keys/detect', () => {
  it.runIf(isAvailable('sshd'))('answers keys as they are given to a mirror, with their fingerprints', async () => {
    const server = await startSshd();
    onTestFinished(async () => {
      await server.close();
      await rm(server.folder, { recursive: true, force: true });
    });
    const { status, body } = await detect({ url: `ssh://git@127.0.0.1:${server.port}/any.git` }, await api.newToken('maintainer'));
    expect([status, body.known_hosts, body.host, body.port]).toEqual([200, server.hostKeys.join('\n'), '127.0.0.1', server.port]);
    expect(
      body.fingerprints.map(({ type, bits, md5, sha256 }: Record<string, string>) => [type, bits, md5?.slice(0, 4), sha256?.slice(0, 7)]),
    ).toEqual([
      ['ssh-ed25519', 256, 'MD5:', 'SHA256:'],
      ['ecdsa-sha2-nistp256', 256, 'MD5:', 'SHA256:'],
      ['ssh-rsa', 2048, 'MD5:', 'SHA256:'],
    ]);
    expect(body.fingerprints.map(({ known_hosts }: Record<string, string>) => known_hosts)).toEqual(server.hostKeys);
  });

  it.each([
    ['a refused address', 'ssh://10.1.2.3/x', 'address_blocked'],
    ['metadata', 'ssh://169.254.169.254:80/x', 'address_blocked'],
    ['a port where nobody listens', 'ssh://127.0.0.1:1/x', 'connection_failed'],
    ['https', 'https://git.example.org/x', 'invalid_url'],
    ['an SCP-style address', 'git@git.example.org:x', 'scp_style_url'],
    ['an option for a host', 'ssh://-oProxyCommand=x/y', 'invalid_url'],
  ])('refuses %s', async (_, url, code) => {
    expect(await detect({ url })).toMatchObject({ status: 400, body: { message: { url: [expect.any(String)] }, code } });
  });

  it('tells what answers there when it is no SSH server', async () => {
    expect(await detect({ url: api.origin.replace('http:', 'ssh:') })).toMatchObject({
      status: 400,
      body: { code: expect.stringMatching(/not_an_ssh_server|connection_failed/) },
    });
  });

  it('needs a URL and a maintainer, and contacts nobody in silent mode', async () => {
    expect((await detect({})).status).toBe(400);
    expect((await detect({ url: 'ssh://10.1.2.3/x' }, await api.newToken('reporter'))).status).toBe(403);
    await api.call('PUT', '/application/settings', { body: { silent_mode_enabled: true } });
    expect(await detect({ url: 'ssh://10.1.2.3/x' })).toMatchObject({ status: 409, body: { code: 'silent_mode' } });
    await api.call('PUT', '/application/settings', { body: { silent_mode_enabled: false } });
  });
});
