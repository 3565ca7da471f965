/** A Git server over SSH that answers each message with what a case says, at the level of Git, of a command, or of bare bytes. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { decodePkt } from '../../lib/git/wire/pkt-line.ts';
import { testHostKey } from '../support/ssh-test-server.ts';
import { type Answers, type HostileAnswer, type Stage, usual } from './hostile-server.ts';

export interface SshQuirks {
  /** Has the socket for itself: no SSH server answers. */
  readonly raw?: (socket: Socket) => void;
  /** Judges sign-ins; without it, everybody is let in. */
  readonly signIn?: (context: ssh2.AuthContext) => void;
  /** Sees each connection that is signed in. */
  readonly connected?: (connection: Connection) => void;
  /** Opens no channel, and does not say so. */
  readonly noChannel?: boolean;
  /** Takes no command, and does not say so. */
  readonly noCommand?: boolean;
  /** In place of Git. */
  readonly command?: (channel: ServerChannel, command: string) => unknown;
}

export interface HostileSshServer {
  readonly url: string;
  /** A line of known_hosts. */
  readonly hostKey: string;
  /** How many connections were opened. */
  connections(): number;
  close(): Promise<void>;
}

const serviceLine = /^[0-9a-f]{4}# service=/;

export async function startHostileSshServer(answers: Answers, quirks: SshQuirks = {}): Promise<HostileSshServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = new ssh2.Server({ hostKeys: [testHostKey()] });
  server.on('connection', (connection) => serve(connection, answers, quirks));
  const listener = createServer({ noDelay: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (quirks.raw === undefined) server.injectSocket(socket);
    else quirks.raw(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const key = ssh2.utils.parseKey(testHostKey());
  if (key instanceof Error) throw key;
  return {
    url: `ssh://git:word@127.0.0.1:${port}/x.git`,
    hostKey: `[127.0.0.1]:${port} ${key.type} ${key.getPublicSSH().toString('base64')}`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(connection: Connection, answers: Answers, quirks: SshQuirks): void {
  connection.on('error', () => {});
  connection.on('authentication', (context) => (quirks.signIn === undefined ? context.accept() : quirks.signIn(context)));
  connection.on('ready', () => {
    quirks.connected?.(connection);
    connection.on('session', (accept) => {
      if (quirks.noChannel === true) return;
      const session = accept();
      let isV2 = false;
      session.on('env', (agree, _refuse, { key, val }) => {
        isV2 ||= key === 'GIT_PROTOCOL' && val === 'version=2';
        agree?.();
      });
      session.on('exec', (agree, _refuse, { command }) => {
        if (quirks.noCommand === true) return;
        const channel = agree();
        channel.on('error', () => {});
        const work = quirks.command === undefined ? speakGit(channel, command, isV2, answers) : quirks.command(channel, command);
        Promise.resolve(work).catch(() => channel.destroy());
      });
    });
  });
}

async function speakGit(channel: ServerChannel, command: string, isV2: boolean, answers: Answers): Promise<void> {
  const service = command.split(' ', 1)[0] ?? '';
  const answer = (stage: Stage, body: string): HostileAnswer => answers[stage]?.(body) ?? usual(stage, service, body);
  let goesOn = await sent(channel, answer('advertisement', service));
  const input = new Input(channel);
  while (goesOn) {
    const isPush = service === 'git-receive-pack';
    const body = isPush && answers.push === undefined ? await input.all() : await input.toFlush();
    if (body === undefined || (isPush && body === '0000')) break;
    const stage = isPush ? 'push' : body.includes('command=ls-refs') ? 'ls-refs' : 'fetch';
    goesOn = (await sent(channel, answer(stage, body))) && isV2 && !isPush;
  }
  if (channel.destroyed) return;
  channel.exit(0);
  channel.end();
}

const pieceBytes = 32_768;

/** A packet of SSH for each line would make a flood of the encryption, not of Git. The first part comes alone. */
function* inPieces(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let bytes = pieceBytes;
  for (const part of parts) {
    gathered.push(part);
    bytes += part.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    bytes = 0;
  }
  if (gathered.length > 0) yield Buffer.concat(gathered);
}

/** Writes an answer as fast as it is taken. Whether the conversation goes on: the answer came to a flush packet. */
async function sent(channel: ServerChannel, { body, staysOpen = false }: HostileAnswer): Promise<boolean> {
  let end = '';
  let isFirst = true;
  for await (const part of Symbol.asyncIterator in body ? body : inPieces(body)) {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    // HTTP alone has this line.
    const isService = isFirst && serviceLine.test(bytes.toString('latin1', 0, 14));
    isFirst = false;
    if (isService) continue;
    if (channel.destroyed) return false;
    end = (end + bytes.subarray(-4).toString('latin1')).slice(-4);
    if (!channel.write(bytes)) await drained(channel);
    // What never waits would let nobody else in this process have a turn.
    await setImmediate();
  }
  if (staysOpen) await new Promise((resolve) => channel.once('close', resolve));
  return end === '0000';
}

/** Room for more in `stream`, which may be the channel's standard error, or its end. */
export function drained(channel: ServerChannel, stream: NodeJS.WritableStream = channel): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      channel.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    channel.on('close', done);
  });
}

/** As fast as it is taken, until the other side goes; its standard error ends before the channel does. */
export async function floodChannel(channel: ServerChannel, stream: NodeJS.WritableStream, part: string | Uint8Array): Promise<void> {
  stream.on('error', () => {});
  while (!channel.destroyed && stream.writable) {
    if (!stream.write(part)) await drained(channel, stream);
    // What never waits would let nobody else in this process have a turn.
    await setImmediate();
  }
}

/** What the client sends, cut at flush packets. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer = Buffer.alloc(0);

  constructor(channel: ServerChannel) {
    // The end of what the client sends is not the end of the answer.
    this.#chunks = channel.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done !== true) this.#buffer = Buffer.concat([this.#buffer, value]);
    return done !== true;
  }

  async all(): Promise<string | undefined> {
    while (await this.#more());
    return this.#buffer.length === 0 ? undefined : this.#buffer.toString('latin1');
  }

  /** Up to the flush packet; undefined at the end. */
  async toFlush(): Promise<string | undefined> {
    for (let at = 0; ; ) {
      const decoded = decodePkt(this.#buffer, at);
      if ('needBytes' in decoded) {
        if (!(await this.#more())) return undefined;
        continue;
      }
      at = decoded.end;
      // v0 ends its request with "done".
      const isDone = Buffer.isBuffer(decoded.pkt) && decoded.pkt.toString().startsWith('done');
      if (decoded.pkt !== 'flush' && !isDone) continue;
      const text = this.#buffer.toString('latin1', 0, at);
      if (decoded.pkt === 'flush' && text.includes('want ') && !text.includes('command=')) continue;
      this.#buffer = this.#buffer.subarray(at);
      return text;
    }
  }
}
