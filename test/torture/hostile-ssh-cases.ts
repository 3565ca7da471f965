/** SSH servers that lie, flood and stall: all that Git servers do over HTTP, and what only SSH has. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { encodePkt } from '../../lib/git/wire/pkt-line.ts';
import { type HostileCase, hostileCases } from './hostile-cases.ts';
import { pkts } from './hostile-server.ts';
import { drained, floodChannel } from './hostile-ssh-server.ts';

type SshCase = Omit<HostileCase, 'answers' | 'side'> & { readonly side?: HostileCase['side'] };

const waits = { codes: ['deadline_exceeded', 'timed_out'], timeoutSeconds: 3, mostMs: 12_000 } as const;
const noServer = ['not_an_ssh_server', 'protocol_error', 'connection_failed', 'ssh_algorithms_differ'];

/** As fast as it is taken, until the other side goes. */
export function flood(socket: Socket, part: Uint8Array): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on('drain', more);
  socket.resume();
  more();
}
/** A byte now and then. */
export function drip(socket: Socket, part: Uint8Array): void {
  let at = 0;
  const timer = setInterval(() => {
    socket.write(part.subarray(at, at + 1));
    at = (at + 1) % part.length;
  }, 50);
  socket.resume();
  socket.on('close', () => clearInterval(timer));
}
/** Until the other side goes. */
export async function floodStderr(channel: ServerChannel): Promise<void> {
  const part = Buffer.alloc(30_000, 'x'.repeat(99).concat('\n'));
  await floodChannel(channel, channel.stderr, part);
}
const ends = (channel: ServerChannel, code: number): void => {
  channel.exit(code);
  channel.end();
};
const greeting = 'SSH-2.0-held\r\n';
const v2 = pkts('version 2\n', 'agent=made/1\n', 'ls-refs=unborn\n', 'fetch=shallow filter\n', 'object-format=sha1\n');

const own: readonly SshCase[] = [
  { name: 'a greeting without end', quirks: { raw: (socket) => flood(socket, Buffer.alloc(60_000, 'x')) }, codes: noServer, isQuick: true },
  {
    name: 'lines before the greeting, without end',
    quirks: { raw: (socket) => flood(socket, Buffer.from('welcome\r\n'.repeat(5000))) },
    codes: [...noServer, ...waits.codes],
    timeoutSeconds: 3,
  },
  {
    name: 'a greeting in drops',
    quirks: { raw: (socket) => drip(socket, Buffer.from('x'.repeat(200))) },
    ...waits,
    codes: [...waits.codes, ...noServer],
  },
  { name: 'a greeting and then nothing', quirks: { raw: (socket) => void socket.resume().write(greeting) }, ...waits },
  {
    name: 'a key exchange of random bytes without end',
    quirks: {
      raw: (socket) => {
        socket.write(greeting);
        flood(socket, randomBytes(60_000));
      },
    },
    codes: noServer,
    isQuick: true,
  },
  {
    name: 'a packet of four gigabytes',
    quirks: {
      raw: (socket) => {
        socket.write(`${greeting}\xff\xff\xff\xff`, 'latin1');
        flood(socket, Buffer.alloc(60_000));
      },
    },
    codes: noServer,
  },
  {
    name: 'a packet in drops',
    quirks: {
      raw: (socket) => {
        socket.write(`${greeting}\0\0\x7f\xff`, 'latin1');
        drip(socket, Buffer.alloc(200));
      },
    },
    ...waits,
    codes: [...waits.codes, ...noServer],
  },
  { name: 'a sign-in that is never answered', quirks: { signIn: () => {} }, ...waits },
  {
    name: 'a sign-in that goes on and on: each method is half of what is needed',
    quirks: { signIn: (context) => context.reject(['password', 'publickey', 'keyboard-interactive'], true) },
    codes: ['credentials_refused', 'public_key_required', 'password_required'],
    isQuick: true,
  },
  {
    name: 'prompts without end',
    quirks: {
      signIn(context) {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        const ask = (): void => context.prompt([{ prompt: 'And now? ', echo: false }], ask);
        ask();
      },
    },
    codes: ['credentials_refused'],
  },
  { name: 'a session that is never opened', quirks: { noChannel: true }, ...waits },
  { name: 'a command that is never begun', quirks: { noCommand: true }, ...waits },
  { name: 'a command that says nothing', quirks: { command: () => {} }, ...waits },
  { name: 'standard error without end', quirks: { command: floodStderr }, ...waits, mostMiB: 320 },
  {
    name: 'standard error without end beside a right answer',
    quirks: {
      async command(channel) {
        channel.write(v2);
        await floodStderr(channel);
      },
    },
    ...waits,
    mostMiB: 320,
  },
  {
    name: 'a megabyte of escapes on standard error, and a failure',
    quirks: {
      async command(channel) {
        for (let piece = 0; piece < 30; piece++)
          if (!channel.stderr.write(Buffer.alloc(30_000, '\x1b[2J\x07no\n'))) await drained(channel, channel.stderr);
        ends(channel, 1);
      },
    },
    codes: ['repository_not_found', 'permission_denied', 'remote_error', 'not_a_git_server', 'access_denied'],
  },
  {
    name: 'success without a word',
    quirks: { command: (channel) => ends(channel, 0) },
    codes: ['protocol_error', 'not_a_git_server', 'connection_failed'],
    isQuick: true,
  },
  {
    name: 'success in the middle of a packet',
    quirks: {
      command(channel) {
        channel.write(v2.subarray(0, 30));
        ends(channel, 0);
      },
    },
    codes: ['protocol_error', 'connection_failed'],
    isQuick: true,
  },
  {
    name: 'the list of refs behind the announcement, before anybody asked, without end',
    quirks: {
      async command(channel) {
        channel.write(v2);
        const part = encodePkt(`${'1'.repeat(40)} refs/heads/x\n`);
        const all = Buffer.concat(Array.from({ length: 500 }, () => part));
        while (!channel.destroyed) if (!channel.write(all)) await drained(channel);
      },
    },
    codes: ['advertisement_too_large', 'protocol_error'],
    mostMiB: 320,
    mostMs: 60_000,
  },
  {
    name: 'a hang-up at each command',
    quirks: { command: (channel) => void channel.destroy() },
    codes: ['connection_failed', 'protocol_error', 'not_a_git_server'],
  },
  {
    name: 'a hang-up after each sign-in',
    quirks: { connected: (connection) => void connection.end() },
    codes: ['connection_failed'],
    isQuick: true,
  },
  {
    name: 'new keys without end',
    quirks: {
      connected(connection) {
        const again = (): void => void connection.rekey(again);
        again();
      },
      command: () => {},
    },
    ...waits,
    codes: [...waits.codes, 'connection_failed', 'protocol_error'],
  },
];

/** The same lies in another envelope. */
const fromHttp: readonly HostileCase[] = hostileCases
  .filter(({ httpOnly }) => httpOnly !== true)
  .map(({ isQuick: _, ...each }) => ({ ...each, over: 'ssh', codes: [...each.codes, ...(each.sshCodes ?? [])] }));

export const hostileSshCases: readonly HostileCase[] = [
  ...own.map((each): HostileCase => ({ side: 'source', ...each, answers: {}, over: 'ssh' })),
  ...fromHttp,
];
