/** Git over SSH, gitprotocol-pack(5) and gitprotocol-v2(5): one connection for the conversations of a run, kept for later runs; one channel each. */
import type { Deadline } from '../../../core/deadline.ts';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { AddressGuard } from '../../../net/address-guard.ts';
import type { Service } from '../../wire/advertisement.ts';
import { flushPkt } from '../../wire/pkt-line.ts';
import type { ByteStream } from '../../wire/pkt-reader.ts';
import type { RepositoryUrl } from '../repository-url.ts';
import { defaultPorts } from '../same-host.ts';
import type { Answer, Conversation, OpenOptions, RequestOptions, Transport } from '../transport.ts';
import { sendBody } from './send-body.ts';
import type { SshChannel } from './ssh-channel.ts';
import { connectSsh, type SshConnection } from './ssh-client.ts';
import { sshCommand, sshUserFault } from './ssh-command.ts';
import { SshConnections } from './ssh-connections.ts';
import { SshOutput } from './ssh-output.ts';
import { poolKey, type SshPool } from './ssh-pool.ts';
import { endedWithoutAnswer, notGit, refusedByExit } from './ssh-refusal.ts';
import type { SshCredential } from './ssh-sign-in.ts';

export interface SshTransportDeps {
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
  /** Stored known_hosts lines of the host. */
  readonly hostKeys: readonly string[];
  /** Without one, connections end with the transport. */
  readonly sshPool?: SshPool<SshConnection>;
  /** Longest waits; those of `limits` unless a test is in a hurry. */
  readonly waits?: { readonly handshakeMs: number; readonly channelMs: number; readonly answerMs: number; readonly roomMs?: number };
}

/** The longer of `version 2` with and without its line feed, as a packet. */
const versionPktBytes = 14;

/** A transport for one repository. Without a credential it signs in as `git` and hopes for a server that asks for nothing. */
export function createSshTransport(url: RepositoryUrl, credential: SshCredential | undefined, deps: SshTransportDeps): Transport {
  return new SshTransport(url, credential ?? { username: '', password: '' }, deps);
}

class SshTransport implements Transport {
  readonly href: string;
  readonly address: string;
  readonly #url: RepositoryUrl;
  readonly #connections: SshConnections<SshConnection>;
  readonly #pool: SshPool<SshConnection> | undefined;
  readonly #poolKey: string;
  readonly #answerMs: number;
  readonly #commands = new Set<Command>();
  /** Whether the server's git-upload-pack is known to speak v2. */
  #speaksV2: boolean | undefined;

  constructor(url: RepositoryUrl, credential: SshCredential, deps: SshTransportDeps) {
    this.href = url.href;
    this.address = url.href;
    this.#url = url;
    this.#answerMs = deps.waits?.answerMs ?? limits.answerMs;
    const place = { host: url.host, port: url.port ?? defaultPorts.ssh };
    const pool = deps.sshPool;
    const key = poolKey(place, credential, deps.hostKeys);
    this.#pool = pool;
    this.#poolKey = key;
    this.#connections = new SshConnections({
      connect: async () => {
        const fault = sshUserFault(credential.username);
        if (fault !== undefined) throw new GitferryError('invalid_url', { detail: `${this.href}: ${fault}` });
        return connectSsh({ ...place, credential, hostKeys: deps.hostKeys }, deps);
      },
      kept: () => {
        const connection = pool?.take(key);
        connection?.use(deps.deadline.signal);
        return connection;
      },
      ...(pool === undefined ? {} : { keep: (connection: SshConnection) => pool.keep(key, connection) }),
      letGo: () => {
        for (const command of this.#commands) if (command.state === 'spare') command.sayGoodbye();
      },
      signal: deps.deadline.signal,
      roomMs: deps.waits?.roomMs ?? limits.sshRoomMs,
    });
  }

  async open(service: Service, { protocol, assumeV2, ahead, isFresh }: OpenOptions): Promise<Conversation> {
    if (isFresh === true) this.#connections.leave();
    const start = (early?: Buffer): Promise<Command> => this.#start(service, protocol, early);
    const many = (first?: Command, sent?: Buffer): Conversation => {
      const onUnused = (): void => this.#pool?.noteSlow(this.#repository);
      return new ManyRequests({ start, isCrowded: () => this.#connections.isCrowded, onUnused }, first, sent, this.#answerMs);
    };
    if (assumeV2 === true && this.#speaksV2 !== false) return many();
    let sent = this.#speaksV2 === false || this.#pool?.isSlow(this.#repository) === true ? undefined : ahead;
    for (let tries = 1; ; tries++) {
      const command = await start(sent);
      try {
        const isV2 = await command.begins();
        if (service === 'git-upload-pack') this.#speaksV2 = isV2;
        if (isV2) return many(command, sent);
        if (sent === undefined) return new OneRequest(command, this.#answerMs, assumeV2 === true);
        // It took the request for one of v0, and is of no use any more.
        command.channel.destroy();
        this.#pool?.noteSlow(this.#repository);
        sent = undefined;
        tries--;
      } catch (error) {
        // Some hosts end a connection when a command on it has ended. Nothing was asked yet: once more on a new one.
        const isCutOff = command.channel.isCutOff && error instanceof GitferryError && error.code === 'connection_failed';
        command.channel.destroy();
        if (tries > 1 || !isCutOff) throw error;
      }
    }
  }

  async close(): Promise<void> {
    for (const command of this.#commands) command.sayGoodbye();
    this.#connections.close({ isQuiet: [...this.#commands].every(({ isLeaving }) => isLeaving) });
  }

  get #repository(): string {
    return `${this.#poolKey} ${this.#url.path}`;
  }

  async #start(service: Service, protocol: 0 | 2, early?: Buffer): Promise<Command> {
    const env: Record<string, string> = protocol === 2 ? { GIT_PROTOCOL: 'version=2' } : {};
    const channel = await this.#connections.start(sshCommand(service, this.#url), env, early);
    const command = new Command(channel, this.href, this.#answerMs);
    this.#commands.add(command);
    channel.closed.then(() => this.#commands.delete(command));
    return command;
  }
}

/** One git-upload-pack or git-receive-pack at work. */
class Command {
  readonly channel: SshChannel;
  readonly output: SshOutput;
  readonly href: string;
  readonly #answerMs: number;
  /** `listed`: it waits for its one request. `spare`: it has answered, and waits for another one that may never come. Both are owed a goodbye. */
  state: 'busy' | 'listed' | 'spare' | 'leaving' = 'busy';

  constructor(channel: SshChannel, href: string, answerMs: number) {
    this.channel = channel;
    this.href = href;
    this.output = new SshOutput(channel, href);
    this.#answerMs = answerMs;
  }

  /** Waits for its first packet and says whether that announces v2. Throws by exit status if there is none, `not_a_git_server` if it is none. */
  async begins(): Promise<boolean> {
    const head = await this.output.peek(4, this.#answerMs);
    const text = head.toString('latin1', 0, 4);
    if (head.length === 0) throw refusedByExit(await this.#ending());
    if (!/^[0-9a-f]{4}$/i.test(text)) throw notGit(this.href, head, this.channel.words);
    const length = Number.parseInt(text, 16);
    if (length > versionPktBytes || length < 13) return false;
    const first = await this.output.peek(length, this.#answerMs);
    return first.toString('latin1', 4, 13) === 'version 2';
  }

  /** What is known of its end, a moment after its output has ended. */
  async #ending(): Promise<Parameters<typeof refusedByExit>[0]> {
    const patience = new Promise<void>((resolve) => setTimeout(resolve, limits.restMs).unref());
    await Promise.race([this.channel.closed, patience]);
    return { href: this.href, exit: this.channel.exit, words: this.channel.words };
  }

  /** Waits until the answer to what was sent begins; 0 = for ever. Throws `remote_error` with its last words if it ends without one. */
  async answers(silenceMs: number): Promise<void> {
    const head = await this.output.peek(1, silenceMs);
    if (head.length > 0) return;
    const end = await this.#ending();
    if (end.exit?.code !== 0 && end.exit !== undefined) throw endedWithoutAnswer(end);
  }

  /** Whether nothing more is expected of it. */
  get isLeaving(): boolean {
    return this.state === 'leaving' || this.channel.isClosed;
  }

  /** Tells a command that waits for a request that there is none: a flush packet, as git does. Nobody waits until it is gone, which it is soon. */
  sayGoodbye(): void {
    if (this.state === 'busy' || this.isLeaving) return;
    this.state = 'leaving';
    this.channel.finish(flushPkt);
    const late = setTimeout(() => this.channel.destroy(), limits.sshGoodbyeMs).unref();
    this.channel.closed.then(() => clearTimeout(late));
  }
}

/** v0 and v1, and every push: the command says what there is, takes one request, answers and ends. */
class OneRequest implements Conversation {
  readonly stateless = false;
  readonly advertisement: Answer;
  readonly #command: Command;
  readonly #answerMs: number;
  readonly #isWrongVersion: boolean;
  #isUsed = false;

  /** `isWrongVersion`: v2 was taken for granted. */
  constructor(command: Command, answerMs: number, isWrongVersion: boolean) {
    this.#command = command;
    this.#answerMs = answerMs;
    this.#isWrongVersion = isWrongVersion;
    this.advertisement = command.output.untilFlush(answerMs, () => {
      command.state = 'listed';
    });
  }

  async request(body: Uint8Array | ByteStream, { patient }: RequestOptions = {}): Promise<Answer> {
    if (this.#isWrongVersion) throw new GitferryError('protocol_error', { detail: `${this.#command.href} does not speak protocol v2.` });
    if (this.#isUsed)
      throw new GitferryError('protocol_error', { detail: 'A conversation over SSH with protocol v0 holds one request only.' });
    this.#isUsed = true;
    this.#command.state = 'busy';
    const { channel, output } = this.#command;
    const silenceMs = patient === true ? limits.relaySilenceMs : this.#answerMs;
    const isStream = !(body instanceof Uint8Array);
    let lateAnswer: NodeJS.Timeout | undefined;
    let isAnswered = false;
    sendBody(channel, body).then(
      () => {
        channel.finish();
        // While a pack is on its way nobody expects an answer; the relay watches over that. One that began before has its own limit of silence.
        if (isStream && !isAnswered)
          lateAnswer = setTimeout(() => output.fail(new GitferryError('timed_out', { detail: `${this.#command.href}.` })), silenceMs);
      },
      (error: unknown) => output.fail(error),
    );
    try {
      await this.#command.answers(isStream ? 0 : silenceMs);
    } finally {
      isAnswered = true;
      clearTimeout(lateAnswer);
    }
    return output.untilEnd(silenceMs);
  }

  async close(): Promise<void> {
    this.#command.sayGoodbye();
  }
}

interface Commands {
  start(): Promise<Command>;
  isCrowded(): boolean;
  /** A request that was sent ahead was not the one that came. */
  onUnused(): void;
}

/** v2: a command takes one request after the other, and a further one is started while it is busy. */
class ManyRequests implements Conversation {
  readonly stateless = false;
  readonly advertisement: Answer | undefined;
  /** The request that `#first` was sent with its start. */
  readonly sent: Buffer | undefined;
  readonly #commands: Commands;
  readonly #answerMs: number;
  readonly #idle: Command[] = [];
  #first: Command | undefined;

  constructor(commands: Commands, first: Command | undefined, sent: Buffer | undefined, answerMs: number) {
    this.#commands = commands;
    this.#answerMs = answerMs;
    this.sent = sent;
    this.#first = sent === undefined ? undefined : first;
    this.advertisement = first?.output.untilFlush(answerMs, (isClean) => {
      if (sent === undefined) this.#release(first, isClean);
    });
  }

  async request(body: Uint8Array | ByteStream, { patient }: RequestOptions = {}): Promise<Answer> {
    const silenceMs = patient === true ? limits.relaySilenceMs : this.#answerMs;
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && body instanceof Uint8Array && this.sent?.equals(body) === true) {
      await first.answers(silenceMs);
      return this.#answerOf(first, silenceMs);
    }
    if (first !== undefined) this.#commands.onUnused();
    first?.channel.destroy();
    const command = this.#takeIdle();
    if (command !== undefined) {
      try {
        return await this.#ask(command, body, silenceMs);
      } catch (error) {
        // Some servers end a command that was not asked anything for a while.
        if (command.channel.exit?.code !== 0 || !(body instanceof Uint8Array)) throw error;
      }
    }
    return this.#askAnew(body, silenceMs);
  }

  /** The request is sent behind the command, without waiting for the advertisement that comes first. */
  async #askAnew(body: Uint8Array | ByteStream, silenceMs: number): Promise<Answer> {
    const command = await this.#commands.start();
    try {
      const sending = sendBody(command.channel, body);
      sending.catch((error: unknown) => command.output.fail(error));
      if (!(await command.begins())) throw new GitferryError('protocol_error', { detail: `${command.href} does not speak protocol v2.` });
      for await (const _ of command.output.untilFlush(this.#answerMs, () => {})) {
        // Known already.
      }
      await sending;
      await command.answers(silenceMs);
      return this.#answerOf(command, silenceMs);
    } catch (error) {
      command.channel.destroy();
      throw error;
    }
  }

  async #ask(command: Command, body: Uint8Array | ByteStream, silenceMs: number): Promise<Answer> {
    sendBody(command.channel, body).catch((error: unknown) => command.output.fail(error));
    await command.answers(silenceMs);
    return this.#answerOf(command, silenceMs);
  }

  #answerOf(command: Command, silenceMs: number): Answer {
    return command.output.untilFlush(silenceMs, (isClean) => this.#release(command, isClean));
  }

  #takeIdle(): Command | undefined {
    for (let command = this.#idle.pop(); command !== undefined; command = this.#idle.pop()) {
      const isStillThere = command.state === 'spare' && !command.channel.isClosed;
      command.state = 'busy';
      if (isStillThere) return command;
    }
    return undefined;
  }

  #release(command: Command, isClean: boolean): void {
    if (!isClean) return command.channel.destroy();
    command.state = 'spare';
    if (this.#commands.isCrowded()) command.sayGoodbye();
    else this.#idle.push(command);
  }

  async close(): Promise<void> {
    this.#first?.channel.destroy();
    for (const command of this.#idle.splice(0)) command.sayGoodbye();
  }
}
