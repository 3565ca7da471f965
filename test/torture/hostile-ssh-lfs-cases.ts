/** Hosts whose `git-lfs-authenticate` lies, floods and stalls, between two repositories that are right. */
import type { ServerChannel } from 'ssh2';
import type { HostileCase } from './hostile-cases.ts';
import type { AuthenticateAsked } from './hostile-lfs-server.ts';
import { floodChannel } from './hostile-ssh-server.ts';

type AuthenticateCase = Pick<HostileCase, 'name' | 'codes' | 'timeoutSeconds' | 'mostMs' | 'isQuick' | 'authenticate'>;

const waits = { codes: ['deadline_exceeded', 'timed_out'], timeoutSeconds: 4, mostMs: 14_000 } as const;
/** Another try comes after a pause, twice. */
const refusedTwice = { codes: ['connection_failed'], mostMs: 20_000 } as const;

function ends(channel: ServerChannel, text: string, exit = 0): void {
  channel.write(text);
  channel.exit(exit);
  channel.end();
}
/** Prints this as JSON, and ends well. */
const prints =
  (answer: (asked: AuthenticateAsked) => unknown, exit = 0) =>
  (channel: ServerChannel, asked: AuthenticateAsked): void =>
    ends(channel, JSON.stringify(answer(asked)), exit);
const text =
  (words: string, exit = 0) =>
  (channel: ServerChannel): void =>
    ends(channel, words, exit);
const saying = (words: (asked: AuthenticateAsked) => string) => (channel: ServerChannel, asked: AuthenticateAsked) => {
  channel.stderr.write(words(asked));
  ends(channel, '', 1);
};
const lines = 'x'.repeat(99).concat('\n').repeat(300);
function drip(channel: ServerChannel): void {
  const timer = setInterval(() => channel.write(' '), 50).unref();
  channel.on('close', () => clearInterval(timer));
}
const there = ({ lfsUrl }: AuthenticateAsked): object => ({ href: lfsUrl, header: { Authorization: 'RemoteAuth once' } });
const named = (href: (asked: AuthenticateAsked) => unknown) => prints((asked) => ({ ...there(asked), href: href(asked) }));
const deep = `${'{"href":'.repeat(8_000)}1${'}'.repeat(8_000)}`;

const cases: readonly AuthenticateCase[] = [
  { name: 'an answer that is right', codes: [null], isQuick: true, authenticate: prints(there) },
  { name: 'silence', ...waits, authenticate: () => {} },
  { name: 'drops', ...waits, authenticate: drip },
  { name: 'words without end', ...waits, authenticate: (channel) => floodChannel(channel, channel.stderr, lines) },
  {
    name: 'an answer without end',
    codes: ['lfs_protocol_error'],
    isQuick: true,
    authenticate: (channel) => floodChannel(channel, channel, lines),
  },
  {
    name: 'a right answer that stays open',
    ...waits,
    authenticate: (channel, asked) => void channel.write(JSON.stringify(there(asked))),
  },
  { name: 'a connection that breaks off', ...refusedTwice, authenticate: (_, { cut }) => cut() },
  { name: 'nothing', codes: ['lfs_protocol_error'], authenticate: text('') },
  { name: 'a web page', codes: ['lfs_protocol_error'], authenticate: text('<html>Sign in</html>') },
  { name: 'brackets 60,000 deep', codes: ['lfs_protocol_error'], authenticate: text('['.repeat(60_000)) },
  { name: 'an object 8,000 deep', codes: ['lfs_protocol_error'], authenticate: text(deep) },
  { name: 'a list', codes: ['lfs_protocol_error'], authenticate: prints((asked) => [there(asked)]) },
  { name: 'half an answer', codes: ['lfs_protocol_error'], authenticate: text('{"href":"http') },
  ...['http://10.0.0.1/lfs', 'http://169.254.169.254/latest', 'http://2852039166/', 'http://[::ffff:10.0.0.1]/'].map(
    (href): AuthenticateCase => ({ name: `the address ${href}`, codes: ['address_blocked'], authenticate: named(() => href) }),
  ),
  ...['file:///etc/passwd', 'ssh://git@10.0.0.1/x', 'javascript:1', '//', 1, { a: 1 }].map(
    (href): AuthenticateCase => ({
      name: `the address ${JSON.stringify(href)}`,
      codes: ['lfs_protocol_error'],
      authenticate: named(() => href),
    }),
  ),
  {
    name: 'an address with user info, which goes nowhere',
    codes: [null],
    authenticate: named(({ lfsUrl }) => lfsUrl.replace('//', '//some:body@')),
  },
  {
    name: 'a header with a second one in its value',
    codes: ['lfs_protocol_error'],
    isQuick: true,
    authenticate: prints((asked) => ({ ...there(asked), header: { a: 'b\r\nhost: inside' } })),
  },
  {
    name: 'headers that speak for the connection, which go nowhere',
    codes: [null],
    authenticate: prints((asked) => ({
      ...there(asked),
      header: { Host: 'inside', 'Content-Length': '1', 'Transfer-Encoding': 'chunked' },
    })),
  },
  ...[1e308, -1e308, -1, '60', {}].map(
    (seconds): AuthenticateCase => ({
      name: `an end in ${JSON.stringify(seconds)} seconds`,
      codes: [null],
      authenticate: prints((asked) => ({ ...there(asked), expires_in: seconds })),
    }),
  ),
  { name: 'a right answer, and status 1', codes: ['lfs_access_denied'], authenticate: prints(there, 1) },
  { name: 'a right answer, and that there is no such command', codes: ['lfs_access_denied'], authenticate: prints(there, 127) },
  // The usual place is tried, where nobody listens.
  { name: 'that there is no such command', ...refusedTwice, authenticate: text('', 127) },
  {
    name: 'control characters in its words',
    codes: ['lfs_access_denied'],
    isQuick: true,
    authenticate: saying(() => 'no \u001b[31mentry\u0007\u202e\r\nhint: none'),
  },
  { name: 'the password in its words', codes: ['lfs_access_denied'], authenticate: saying(({ password }) => `${password} is wrong`) },
];

export const hostileSshLfsCases: readonly HostileCase[] = cases.map((each) => ({
  ...each,
  name: `git-lfs-authenticate with ${each.name}`,
  over: 'ssh',
  side: 'source',
  answers: {},
  lfs: {},
}));
