/** The two kinds of conversation over SSH: one request (v0, v1, every push), or many (v2). */
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { ByteStream } from '../../wire/pkt-reader.ts';
import type { Conversation, GitResponse, RequestOptions } from '../transport.ts';
import { sendBody } from './send-body.ts';
import type { GitCommand } from './ssh-git-command.ts';

/** v0 and v1, and every push: the command says what there is, takes one request, answers and ends. */
export class OneRequest implements Conversation {
  readonly stateless = false;
  readonly advertisement: GitResponse;
  readonly #command: GitCommand;
  readonly #answerMs: number;
  readonly #isWrongVersion: boolean;
  #isUsed = false;

  /** `isWrongVersion`: v2 was taken for granted. */
  constructor(command: GitCommand, answerMs: number, isWrongVersion: boolean) {
    this.#command = command;
    this.#answerMs = answerMs;
    this.#isWrongVersion = isWrongVersion;
    this.advertisement = command.output.untilFlush(answerMs, () => {
      command.state = 'listed';
    });
  }

  async request(body: Uint8Array | ByteStream, { patient }: RequestOptions = {}): Promise<GitResponse> {
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
  start(): Promise<GitCommand>;
  isCrowded(): boolean;
  /** A request that was sent ahead was not the one that came. */
  onUnused(): void;
}

/** v2: a command takes one request after the other, and a further one is started while it is busy. */
export class ManyRequests implements Conversation {
  readonly stateless = false;
  readonly advertisement: GitResponse | undefined;
  /** The request that `#first` was sent with its start. */
  readonly sent: Buffer | undefined;
  readonly #commands: Commands;
  readonly #answerMs: number;
  readonly #idle: GitCommand[] = [];
  #first: GitCommand | undefined;

  constructor(commands: Commands, first: GitCommand | undefined, sent: Buffer | undefined, answerMs: number) {
    this.#commands = commands;
    this.#answerMs = answerMs;
    this.sent = sent;
    this.#first = sent === undefined ? undefined : first;
    this.advertisement = first?.output.untilFlush(answerMs, (isClean) => {
      if (sent === undefined) this.#release(first, isClean);
    });
  }

  async request(body: Uint8Array | ByteStream, { patient }: RequestOptions = {}): Promise<GitResponse> {
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
  async #askAnew(body: Uint8Array | ByteStream, silenceMs: number): Promise<GitResponse> {
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

  async #ask(command: GitCommand, body: Uint8Array | ByteStream, silenceMs: number): Promise<GitResponse> {
    sendBody(command.channel, body).catch((error: unknown) => command.output.fail(error));
    await command.answers(silenceMs);
    return this.#answerOf(command, silenceMs);
  }

  #answerOf(command: GitCommand, silenceMs: number): GitResponse {
    return command.output.untilFlush(silenceMs, (isClean) => this.#release(command, isClean));
  }

  #takeIdle(): GitCommand | undefined {
    for (let command = this.#idle.pop(); command !== undefined; command = this.#idle.pop()) {
      const isStillThere = command.state === 'spare' && !command.channel.isClosed;
      command.state = 'busy';
      if (isStillThere) return command;
    }
    return undefined;
  }

  #release(command: GitCommand, isClean: boolean): void {
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
