import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../../lib/core/deadline.ts';
import type { ErrorCode } from '../../../../lib/core/error-catalogue.ts';
import { connectSsh, offeredHostKey, type SshLogin } from '../../../../lib/git/transport/ssh/ssh-client.ts';
import type { SshDeps } from '../../../../lib/git/transport/ssh/ssh-connection.ts';
import { createAddressGuard } from '../../../../lib/net/address-guard.ts';
import { codeOf, settled } from '../../../support/byte-streams.ts';
import { forThisTest } from '../../../support/http-transport.ts';
import {
  ecdsaKey,
  rsaKey,
  type SshTestServerOptions,
  sha256Of,
  startSshTestServer,
  testHostKey,
} from '../../../support/ssh-test-server.ts';

const clientKey = ecdsaKey();
const waits = { handshakeMs: 700, channelMs: 700 };

function depsOf(overrides: Partial<SshDeps> = {}): SshDeps {
  const deadline = createDeadline(30_000);
  onTestFinished(() => deadline.clear());
  return { guard: createAddressGuard(['127.0.0.0/8']), deadline, ...overrides };
}

const sshLine = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519')]).toString('base64')}`;
const withKey = { username: 'git', password: '', privateKey: clientKey };
const withPassword = { username: 'git', password: 'pass word' };

/** Connects to such a server; the code of the failure, or undefined. */
async function outcomeOf(options: SshTestServerOptions, login: Partial<SshLogin> = {}, deps: Partial<SshDeps> = {}) {
  const server = await forThisTest(startSshTestServer(options));
  const result = await settled(async () => {
    const connection = await connectSsh(
      { host: '127.0.0.1', port: server.port, credential: withKey, hostKeys: server.hostKeys, ...login },
      depsOf(deps),
    );
    connection.end();
    return connection.failure?.code;
  });
  return { server, code: undefined, message: '', ...result };
}

describe('signing in', () => {
  const prompt = (...texts: string[]) => texts.map((text) => ({ prompt: text, echo: false }));
  it.each<[string, SshTestServerOptions, SshLogin['credential'], string[], ErrorCode | undefined]>([
    ['key', {}, withKey, ['publickey'], undefined],
    ['RSA key', {}, { ...withKey, privateKey: rsaKey() }, ['publickey'], undefined],
    ['PKCS#8 key', {}, { ...withKey, privateKey: pkcs8('rsa') }, ['publickey'], undefined],
    ['PKCS#8 Ed25519 key', {}, { ...withKey, privateKey: pkcs8('ed25519') }, ['publickey'], undefined],
    ['empty user name', { user: 'git' }, { ...withKey, username: '' }, ['publickey'], undefined],
    ['password', { methods: ['password'], password: 'pass word' }, withPassword, ['password'], undefined],
    [
      'prompted password',
      { methods: ['keyboard-interactive'], password: 'pass word' },
      withPassword,
      ['password', 'keyboard-interactive'],
      undefined,
    ],
    ['nothing', { methods: ['none'] }, { username: 'git', password: '' }, ['none'], undefined],
    ['refused key', { publicKey: Buffer.from('other') }, withKey, ['publickey'], 'credentials_refused'],
    ['key of a wrong user', { user: 'somebody' }, withKey, ['publickey'], 'credentials_refused'],
    ['wrong password', { methods: ['password'], password: 'x' }, withPassword, ['password'], 'credentials_refused'],
    ['password where there are keys only', { methods: ['publickey'] }, withPassword, ['password'], 'public_key_required'],
    ['nothing where there are keys only', { methods: ['publickey'] }, { username: 'git', password: '' }, ['none'], 'public_key_required'],
    [
      'nothing where there are passwords',
      { methods: ['password'], password: 'x' },
      { username: 'git', password: '' },
      ['none'],
      'credentials_missing',
    ],
    ['key where there are passwords only', { methods: ['password'], password: 'x' }, withKey, ['publickey'], 'password_required'],
    [
      'password that is asked for again and again',
      { methods: ['keyboard-interactive'], password: 'x', prompts: Array.from({ length: 9 }, () => prompt('Password:')) },
      withPassword,
      ['password', 'keyboard-interactive'],
      'credentials_refused',
    ],
    [
      'password where questions are asked in the open',
      { methods: ['keyboard-interactive'], password: 'pass word', prompts: [[{ prompt: 'Name?', echo: true }]] },
      withPassword,
      ['password', 'keyboard-interactive'],
      'credentials_refused',
    ],
  ])('with %s', async (_name, options, credential, signIns, expected) => {
    const { server, code, message } = await outcomeOf(options, { credential });
    expect(code).toBe(expected);
    expect(server.log.signIns).toEqual(signIns);
    expect(message).not.toContain('pass word');
  });

  it.each([
    [
      'encrypted PKCS#8',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })
        .toString(),
      /encrypted/,
    ],
    [
      'encrypted PEM',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })
        .toString(),
      /encrypted/,
    ],
    [
      'public half',
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      /public half/,
    ],
    ['public half as in authorized_keys', `${sshLine} someone@example`, /public half: .* without \.pub/],
    ["in PuTTY's format", 'PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n', /puttygen/],
    ['cut', clientKey.slice(0, 90), /damaged/],
    ['malformed', '-----BEGIN OPENSSH PRIVATE KEY-----\nZZZZ\n-----END OPENSSH PRIVATE KEY-----\n', /damaged/],
    ['no key at all', 'hunter2hunter2', /-----BEGIN/],
    [
      'of a type that SSH does not know',
      generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      /x25519/,
    ],
  ])('with a private key that is %s is refused before anybody is called', async (_name, privateKey, words) => {
    const { server, code, message } = await outcomeOf({}, { credential: { ...withKey, privateKey } });
    expect({ code, connections: server.log.connections }).toEqual({ code: 'private_key_unusable', connections: 0 });
    expect(message).toMatch(words);
    expect(message).not.toContain('hunter2');
  });
});

function pkcs8(type: 'rsa' | 'ed25519'): string {
  const { privateKey } = type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

describe('the host key', () => {
  it('must be stored: without one, nobody is called', async () => {
    const { server, code } = await outcomeOf({}, { hostKeys: [] });
    expect({ code, connections: server.log.connections }).toEqual({ code: 'host_key_unknown', connections: 0 });
  });

  const other = rsaKey();
  const otherType = ecdsaKey();
  it.each<[string, readonly string[], string]>([
    ['another one', [other], other],
    ['one of another type only', [otherType], otherType],
    ['another one beside one of another type', [other, otherType], other],
  ])('that is %s than the stored one parks the mirror, and both fingerprints are shown', async (_name, now, shown) => {
    const before = await forThisTest(startSshTestServer({ hostKeys: [testHostKey()] }));
    const { server, code, message } = await outcomeOf({ hostKeys: now }, { hostKeys: before.hostKeys });
    expect(code).toBe('host_key_changed');
    expect(message).toContain(sha256Of(before.hostKeys[0]!));
    expect(message).toContain(sha256Of(server.hostKeys[now.indexOf(shown)]!));
    expect(server.log.signIns).toEqual([]);
  });

  it('may be any of the stored ones, and other types that the server has do not matter', async () => {
    const keys = [testHostKey(), otherType];
    const server = await forThisTest(startSshTestServer({ hostKeys: keys }));
    for (const line of server.hostKeys) {
      const login = { host: '127.0.0.1', port: server.port, credential: withKey, hostKeys: [`[127.0.0.1]:1 ssh-ed25519 AAAA`, line] };
      (await connectSsh(login, depsOf())).end();
    }
    expect(server.log.signIns).toHaveLength(2);
  });

  it('is told by type, without anybody signing in; a type that the server lacks is undefined', async () => {
    const server = await forThisTest(startSshTestServer({ hostKeys: [testHostKey(), otherType] }));
    const ask = (...algorithms: string[]) => offeredHostKey({ host: '127.0.0.1', port: server.port, algorithms }, depsOf());
    const shown = (key: Awaited<ReturnType<typeof ask>>) => `[127.0.0.1]:${server.port} ${key?.type} ${key?.key.toString('base64')}`;
    expect(shown(await ask('ssh-rsa'))).toBe(server.hostKeys[0]);
    expect(shown(await ask('ecdsa-sha2-nistp256'))).toBe(server.hostKeys[1]);
    expect(await ask('ssh-ed25519')).toBeUndefined();
    expect(server.log.signIns).toEqual([]);
  });
});

describe('a server', () => {
  it.each<['banner' | 'key exchange' | 'sign-in']>([['banner'], ['key exchange'], ['sign-in']])(
    'that goes silent at the %s is timed out',
    async (hangAt) => {
      expect(await outcomeOf({ hangAt }, {}, { waits })).toMatchObject({ code: 'timed_out' });
    },
  );

  it.each<['channel' | 'command']>([['channel'], ['command']])('that goes silent at the %s is timed out', async (hangAt) => {
    const server = await forThisTest(startSshTestServer({ hangAt }));
    const connection = await connectSsh(
      { host: '127.0.0.1', port: server.port, credential: withKey, hostKeys: server.hostKeys },
      depsOf({ waits }),
    );
    expect(await codeOf(connection.exec('git-upload-pack x', {}))).toBe('timed_out');
    expect(connection.failure?.code).toBe('timed_out');
  });

  it('that shares no algorithm is named so', async () => {
    const { code } = await outcomeOf({ algorithms: { cipher: ['aes256-cbc'] } });
    expect(code).toBe('ssh_algorithms_differ');
  });

  it('that runs no commands is no Git server', async () => {
    const server = await forThisTest(startSshTestServer({ refuseExec: true }));
    const connection = await connectSsh({ host: '127.0.0.1', port: server.port, credential: withKey, hostKeys: server.hostKeys }, depsOf());
    expect(await codeOf(connection.exec('git-upload-pack x', {}))).toBe('not_a_git_server');
    connection.end();
  });

  it('ends with the deadline', async () => {
    const deadline = createDeadline(200);
    expect(await outcomeOf({ hangAt: 'sign-in' }, {}, { deadline })).toMatchObject({ code: 'deadline_exceeded' });
  });
});

describe('what is not SSH', () => {
  async function talksTo(greet: (socket: Socket) => void) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.resume();
      greet(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return settled(offeredHostKey({ host: '127.0.0.1', port, algorithms: ['ssh-rsa'] }, depsOf({ waits })));
  }

  it.each<[string, (socket: Socket) => void, ErrorCode]>([
    ['a web server', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'not_an_ssh_server'],
    ['text that never ends', (socket) => void setInterval(() => socket.write('x'.repeat(10_000)), 5).unref(), 'not_an_ssh_server'],
    ['a mail server that waits', (socket) => void socket.write('220 mail.example ESMTP\r\n'), 'not_an_ssh_server'],
    ['random bytes', (socket) => socket.end(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 13, 10, 5])), 'not_an_ssh_server'],
    ['a version of SSH that is gone', (socket) => void socket.write('SSH-1.5-old\r\n'), 'not_an_ssh_server'],
    ['SSH that hangs up', (socket) => socket.end('SSH-2.0-x\r\n'), 'connection_failed'],
    ['SSH that sends rubbish', (socket) => socket.end(`SSH-2.0-x\r\n${'x'.repeat(500)}`), 'protocol_error'],
    ['a connection that is closed at once', (socket) => socket.end(), 'connection_failed'],
    ['sshd with too much to do', (socket) => socket.end('Exceeded MaxStartups\r\n'), 'rate_limited'],
  ])('%s', async (_name, greet, code) => expect(await talksTo(greet)).toMatchObject({ code }));

  it('a refused address is not called, and a closed port is a failed connection', async () => {
    const guarded = depsOf({ guard: createAddressGuard([]) });
    expect(await codeOf(offeredHostKey({ host: '127.0.0.1', port: 22, algorithms: ['ssh-rsa'] }, guarded))).toBe('address_blocked');
    expect(await codeOf(offeredHostKey({ host: 'localhost', port: 22, algorithms: ['ssh-rsa'] }, guarded))).toBe('address_blocked');
    expect(await codeOf(offeredHostKey({ host: '127.0.0.1', port: 1, algorithms: ['ssh-rsa'] }, depsOf()))).toBe('connection_failed');
  });
});
