/** One git-upload-pack or git-receive-pack at work on an SSH channel: how it begins, answers and is left. */
import { limits } from '../../../core/limits.ts';
import { flushPkt } from '../../wire/pkt-line.ts';
import type { SshChannel } from './ssh-channel.ts';
import { SshOutput } from './ssh-output.ts';
import { endedWithoutAnswer, notGit, refusedByExit } from './ssh-refusal.ts';

/** The longer of `version 2` with and without its line feed, as a packet. */
const versionPktBytes = 14;

/** One git-upload-pack or git-receive-pack at work. */
export class GitCommand {
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
