/** Two mirrors of one URL may share connections, never how they sign in. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../lib/core/deadline.ts';
import type { Credential } from '../../../lib/credentials/credential.ts';
import { createTransport } from '../../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../../lib/git/transport/repository-url.ts';
import { createAddressGuard } from '../../../lib/net/address-guard.ts';
import { createHttpClient } from '../../../lib/net/http-client.ts';
import { codeOf } from '../../support/byte-streams.ts';
import { git, temporaryFolder } from '../../support/git.ts';
import { startGitHttpServer } from '../../support/git-http-server.ts';
import { discovered, forThisTest } from '../../support/http-transport.ts';
import { startSshTestServer } from '../../support/ssh-test-server.ts';

// One worker serves mirrors of everybody, often on the same host and at the same time, with one HTTP client.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await git(folder.path, ['init', '--quiet', '--bare', join(folder.path, 'r.git')]);
});
afterAll(() => folder.remove());

/** Transports of one process. */
function worker() {
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  const deadline = createDeadline(60_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
  });
  return (text: string, credential: Credential | undefined, hostKeys: readonly string[] = []) =>
    createTransport({ url: parseRepositoryUrl(text, 'TEST').url, credential, hostKeys }, { guard, http, deadline });
}

it('The connections of an HTTP host are shared by all mirrors, what they sign in with is not: on one URL each is who it is, or nobody', async () => {
  const told: { readonly user: string; readonly port: number | undefined }[] = [];
  const server = await forThisTest(
    startGitHttpServer({
      root: folder.path,
      intercept({ request, response }) {
        const [user = ''] = Buffer.from(request.headers.authorization?.slice('Basic '.length) ?? '', 'base64')
          .toString()
          .split(':');
        told.push({ user, port: request.socket.remotePort });
        if (user === 'ada') return false;
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
        return true;
      },
    }),
  );
  const connect = worker();
  const url = server.url('r.git');
  const ask = (username: string | undefined) =>
    codeOf(discovered(connect(url, username === undefined ? undefined : { username, password: `of-${username}` })));
  const users = ['ada', 'eve', undefined, 'ada', undefined, 'eve'];
  const codes: Readonly<Record<string, string | undefined>> = { ada: undefined, eve: 'credentials_refused', '': 'credentials_missing' };
  for (const user of users) expect([user, await ask(user)]).toEqual([user, codes[user ?? '']]);
  expect(told.map(({ user }) => user)).toEqual(users.map((user) => user ?? ''));
  // Otherwise this would show nothing.
  expect(new Set(told.map(({ port }) => port)).size).toBeLessThan(told.length);
  const many = Array.from({ length: 60 }, (_, index) => users[index % users.length]);
  const answers = await Promise.all(many.map(ask));
  expect(answers).toEqual(many.map((user) => codes[user ?? '']));
});

it('A connection that somebody has signed in to over SSH carries nobody else’s commands', async () => {
  const server = await forThisTest(startSshTestServer({ methods: ['password'], user: 'ada', password: 'of-ada' }));
  const connect = worker();
  const url = server.url(join(folder.path, 'r.git'));
  const ada = connect(url, { username: 'ada', password: 'of-ada' }, server.hostKeys);
  onTestFinished(() => ada.close());
  expect(await discovered(ada)).toContain('version 2');
  const strangers = [{ username: 'eve', password: 'of-eve' }, { username: 'ada', password: 'guessed' }, undefined];
  for (const credential of strangers) {
    // While the first is still open.
    const other = connect(url, credential, server.hostKeys);
    expect(await codeOf(discovered(other))).toMatch(/^credentials_/);
    await other.close();
  }
  expect(await discovered(ada)).toContain('version 2');
  expect(server.log.commands).toHaveLength(2);
  // Nor does another mirror with the same sign-in ride on it: its host keys may be others.
  const twin = connect(url, { username: 'ada', password: 'of-ada' }, ['ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7']);
  expect(await codeOf(discovered(twin))).toMatch(/^host_key_/);
  await twin.close();
});
