import type { ServerChannel } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { createLfsServer } from '../../lib/lfs/create-lfs-server.ts';
import { createSshAuthenticate } from '../../lib/lfs/ssh-authenticate.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { isAvailable } from '../support/programs.ts';
import { until } from '../support/service.ts';
import { type SshTestServerOptions, startSshTestServer } from '../support/ssh-test-server.ts';
import { startSshd } from '../support/sshd.ts';

type Answer = NonNullable<SshTestServerOptions['forcedCommand']>;

/** Asks a server that answers so, and says what it was asked. No connection is left open. */
async function ask(
  forcedCommand: Answer | undefined,
  more: SshTestServerOptions & { readonly answerMs?: number } = {},
  operation: 'download' | 'upload' = 'upload',
) {
  const forced = forcedCommand === undefined ? {} : { forcedCommand };
  const server = await startSshTestServer({ methods: ['password'], user: 'git', password: 'hunter22', ...forced, ...more });
  const deadline = createDeadline(60_000);
  onTestFinished(async () => {
    deadline.clear();
    await server.close();
  });
  const { url } = parseRepositoryUrl(server.url("/group/it's.git"), 'TEST');
  const credential = { username: 'git', password: 'hunter22' };
  const authenticate = createSshAuthenticate(
    { url, credential, hostKeys: server.hostKeys },
    { guard: createAddressGuard(['127.0.0.0/8']), deadline, ...(more.answerMs === undefined ? {} : { answerMs: more.answerMs }) },
  );
  try {
    const answer = await authenticate(operation);
    return { answer, commands: server.log.commands };
  } finally {
    await until('its connection closed', async () => (server.open() === 0 ? true : undefined));
  }
}

/** Every few milliseconds, until the channel closes. */
function repeat(work: () => unknown, channel: ServerChannel): void {
  const timer = setInterval(work, 10);
  channel.on('close', () => clearInterval(timer));
}

const json = (answer: unknown): Answer => ({ stdout: JSON.stringify(answer) });

describe('git-lfs-authenticate over SSH', () => {
  it.each(['download', 'upload'] as const)('is asked for the repository by its path, and for a %s', async (operation) => {
    const { commands } = await ask(json({}), {}, operation);
    expect(commands).toEqual([`git-lfs-authenticate '/group/it'\\''s.git' ${operation}`]);
  });

  it('says where the server is, what signs in there, and until when', async () => {
    const before = Date.now();
    const { answer } = await ask(json({ href: 'https://lfs.example.org/x', header: { Authorization: 'RemoteAuth once' }, expires_in: 60 }));
    expect(answer).toMatchObject({ href: new URL('https://lfs.example.org/x'), header: { authorization: 'RemoteAuth once' } });
    expect((answer?.expiresAt ?? 0) - before).toBeGreaterThanOrEqual(60_000);
    expect((answer?.expiresAt ?? 0) - Date.now()).toBeLessThanOrEqual(60_000);
  });

  it.each<[string, Answer]>([
    ['an empty object', json({})],
    ['no address', json({ href: null, header: {} })],
    ['an empty address', json({ href: '' })],
  ])('leaves the usual place where it gives %s', async (_, given) => {
    expect((await ask(given)).answer).toEqual({ href: undefined, header: {}, expiresAt: undefined });
  });

  it.each<[string, Answer, SshTestServerOptions]>([
    ['a shell that does not find it', { stderr: 'sh: git-lfs-authenticate: command not found\n', exit: 127 }, {}],
    ['a shell that may not run it', { stderr: 'Permission denied\n', exit: 126 }, {}],
  ])('is not there: the usual place is asked without it (%s)', async (_, given, more) => {
    expect((await ask(given, more)).answer).toBeUndefined();
  });

  it.each<[string, Answer, { code: string; detail: string }]>([
    // Gitolite without its LFS feature; and one that refuses the user by the same words.
    [
      'a shell that knows Git alone',
      { stderr: "FATAL: unknown git/gitolite command: 'git-lfs-authenticate x upload'\n", exit: 1 },
      { code: 'lfs_access_denied', detail: 'unknown git/gitolite command' },
    ],
    [
      'a host that refuses the account',
      { stderr: 'You are not allowed to push.\n', exit: 1 },
      { code: 'lfs_access_denied', detail: 'not allowed to push' },
    ],
    [
      'a shell that says something, and then does not find it',
      { stdout: 'Welcome!\n', exit: 127 },
      { code: 'lfs_access_denied', detail: '127' },
    ],
    ['a web page', { stdout: '<html><body>Sign in</body></html>', exit: 0 }, { code: 'lfs_protocol_error', detail: 'cannot be read' }],
    [
      'a banner before the answer',
      { stdout: 'Welcome!\n{"href":"https://h/x"}', exit: 0 },
      { code: 'lfs_protocol_error', detail: 'cannot be read' },
    ],
    ['nothing', { exit: 0 }, { code: 'lfs_protocol_error', detail: 'cannot be read' }],
    ['a list', json([]), { code: 'lfs_protocol_error', detail: 'cannot be read' }],
    ['an address that is none', json({ href: 'file:///etc/passwd' }), { code: 'lfs_protocol_error', detail: 'cannot be read' }],
    ['a header that is none', json({ header: { 'a b': 'x' } }), { code: 'lfs_protocol_error', detail: 'cannot be read' }],
    ['more than an answer', { stdout: ' '.repeat(100_000), exit: 0 }, { code: 'lfs_protocol_error', detail: 'too much' }],
  ])('fails by code, with the words of the host: %s', async (_, given, { code, detail }) => {
    const error = await ask(given).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, detail: expect.stringContaining(detail) });
    expect(String((error as Error).message)).not.toContain('hunter22');
  });

  it.each<[string, unknown, string | undefined, Record<string, string>]>([
    ['user info, which is dropped', { href: 'https://ada:secret@h/x' }, 'https://h/x', {}],
    ['another host', { href: 'https://elsewhere.example.org/x' }, 'https://elsewhere.example.org/x', {}],
    [
      'headers that speak for the connection, which are dropped',
      { href: 'https://h/x', header: { Host: 'inside', 'Content-Length': '0', 'Proxy-Authorization': 'x', Authorization: 'RemoteAuth t' } },
      'https://h/x',
      { authorization: 'RemoteAuth t' },
    ],
  ])('may name an address with %s', async (_, given, href, header) => {
    expect((await ask(json(given))).answer).toMatchObject({ href: new URL(href ?? ''), header });
  });

  const cut = (text: string): Answer => ({ stdout: text, exit: 0 });
  it.each<[string, Answer, { code: string; detail?: string }]>([
    ['brackets 60,000 deep', cut('['.repeat(60_000)), { code: 'lfs_protocol_error' }],
    ['an object 10,000 deep', cut(`${'{"href":'.repeat(10_000)}1${'}'.repeat(10_000)}`), { code: 'lfs_protocol_error' }],
    [
      'a header with a second one in its value',
      json({ href: 'https://h/x', header: { a: 'b\r\nhost: inside' } }),
      { code: 'lfs_protocol_error' },
    ],
    ['a header whose name is a line', json({ href: 'https://h/x', header: { 'a\r\nb': 'c' } }), { code: 'lfs_protocol_error' }],
    ['headers that are a list', json({ href: 'https://h/x', header: ['a'] }), { code: 'lfs_protocol_error' }],
    ['an address of SSH', json({ href: 'ssh://git@h/x' }), { code: 'lfs_protocol_error' }],
    ['an address that is a number', json({ href: 1 }), { code: 'lfs_protocol_error' }],
    [
      'an answer, and a status that denies it',
      { ...json({ href: 'https://h/x' }), exit: 1 },
      { code: 'lfs_access_denied', detail: 'ended with 1' },
    ],
    [
      'an answer, and a status that says there is no command',
      { ...json({ href: 'https://h/x' }), exit: 127 },
      { code: 'lfs_access_denied' },
    ],
    [
      'control characters in its words',
      { stderr: 'no \u001b[31m\u0007\u202e\r\nhints: none', exit: 1 },
      { code: 'lfs_access_denied', detail: 'no' },
    ],
  ])('is refused by code: %s', async (_, given, { code, detail = '' }) => {
    const error = (await ask(given).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code, detail: expect.stringContaining(detail) });
    for (const character of ['\u001b', '\u0007', '\u202e', '\r', '\n']) expect(error.message).not.toContain(character);
  });

  const says = (answer: (channel: ServerChannel) => unknown) => ({ answers: { command: 'git-lfs-authenticate', answer } });
  it.each<[string, SshTestServerOptions]>([
    ['silent', says(() => {})],
    ['whose words do not end', says((channel) => repeat(() => channel.stderr.write('please wait\n'), channel))],
    ['whose answer comes in drops', says((channel) => repeat(() => channel.write(' '), channel))],
    ['which answers and stays', says((channel) => channel.write('{"href":"https://h/x"}'))],
  ])('is given up where it is %s', async (_, more) => {
    const error = await ask(undefined, { ...more, answerMs: 200 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'timed_out', detail: expect.stringContaining('does not end') });
  });

  it('is taken at its word where the server sends no exit status', async () => {
    expect((await ask(json({ href: 'https://h/x' }), { noExitStatus: true })).answer).toMatchObject({ href: new URL('https://h/x') });
  });
});

describe.skipIf(!isAvailable('sshd'))('an OpenSSH server without LFS', () => {
  it.each<[string, readonly string[], string]>([
    // The shell does not find the command: the usual place on that host is asked, where nothing listens.
    ['whose shell does not know the command', [], 'connection_failed'],
    ['whose shell answers everything with a web page', ['ForceCommand echo "<html>Sign in</html>"'], 'lfs_protocol_error'],
    ['whose shell refuses what it does not know', ['ForceCommand sh -c "echo unknown command >&2; exit 1"'], 'lfs_access_denied'],
  ])('%s: its objects fail, by code', async (_, config, code) => {
    const sshd = await startSshd({ config });
    const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
    const deadline = createDeadline(60_000);
    onTestFinished(async () => {
      deadline.clear();
      await http.close();
      await sshd.close();
    });
    const end = { url: parseRepositoryUrl(sshd.url('/srv/app.git'), 'TEST').url, hostKeys: sshd.hostKeys };
    const credential = { username: sshd.user, password: '', privateKey: sshd.privateKey };
    const guard = createAddressGuard(['127.0.0.0/8']);
    const server = createLfsServer(
      { side: 'target', ...end, credential, lfsUrl: undefined },
      { http, guard, deadline, redactor: createRedactor([]) },
    );
    const objects = [{ oid: 'a'.repeat(64), size: 1 }];
    const error = await server.batch({ operation: 'upload', objects, ref: undefined }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
  });
});
