/** An SSH connection that is signed in: commands on it, its end, and the run that it belongs to. */
import type { Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import type { Deadline } from '../../../core/deadline.ts';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { AddressGuard } from '../../../net/address-guard.ts';
import { EarlyInput } from './ssh-ahead.ts';
import { SshChannel } from './ssh-channel.ts';
import { type SshStage, sshEnded, toSshError } from './ssh-error.ts';

export interface SshDeps {
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
  /** Longest waits; those of `limits` unless a test is in a hurry. */
  readonly waits?: { readonly handshakeMs: number; readonly channelMs: number };
}

/** A connection whose handshake is done. */
export interface Link {
  readonly client: Client;
  readonly socket: Socket;
  readonly place: string;
}

export class SshConnection {
  readonly #link: Link;
  readonly #channelMs: number;
  readonly #early: EarlyInput;
  #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.#fail(this.#signal?.reason as GitferryError);
  #failure: GitferryError | undefined;

  constructor(link: Link, { deadline, waits }: SshDeps) {
    this.#link = link;
    this.#channelMs = waits?.channelMs ?? limits.sshChannelMs;
    this.#early = new EarlyInput(link.client);
    const stage: SshStage = { place: link.place, greeting: undefined, ready: true };
    link.client.removeAllListeners('error').removeAllListeners('close');
    link.client.on('error', (error) => this.#fail(toSshError(error, stage)));
    link.client.on('close', () => this.#fail(sshEnded(stage)));
    link.socket.on('close', () => this.#fail(sshEnded(stage)));
    // What ssh2 sends on hearing something, such as the next pieces of a pack when there is room for them again, leaves together (see SshChannel.write).
    link.socket.prependListener('data', () => {
      link.socket.cork();
      process.nextTick(() => link.socket.uncork());
    });
    if (link.socket.destroyed) this.#fail(sshEnded(stage));
    this.use(deadline.signal);
  }

  /** Makes it part of a run: the run's end ends it. */
  use(signal: AbortSignal): void {
    this.#signal = signal;
    this.#link.socket.ref();
    signal.addEventListener('abort', this.#abort, { once: true });
    if (signal.aborted) this.#abort();
  }

  /** Takes it out of its run, for another one: until then it keeps no process alive. */
  release(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#link.socket.unref();
  }

  /** Why it ended, once it has. */
  get failure(): GitferryError | undefined {
    return this.#failure;
  }

  /**
   * Starts a command with these variables (which the server may ignore). undefined = the server opens no (further) channel on this connection.
   * `early` is the beginning of its input, sent with the start. Throws `not_a_git_server` (it runs no commands), `timed_out` (and then the connection is ended), and what ended the connection.
   */
  async exec(command: string, env: Readonly<Record<string, string>>, early?: Buffer): Promise<SshChannel | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    const { client, socket, place } = this.#link;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(new GitferryError('timed_out', { detail: `${place}: the command did not start.` }));
        reject(this.#failure);
      }, this.#channelMs);
      const answer = (error: Error | undefined, stream?: ClientChannel): void => {
        clearTimeout(timer);
        if (early !== undefined) this.#early.forget(early);
        if (stream !== undefined && early !== undefined && !isSent) stream.write(early);
        if (stream !== undefined) resolve(new SshChannel(stream, { socket, failure: () => this.#failure }));
        else if (this.#failure !== undefined) reject(this.#failure);
        // RFC 4254 §5.1: a channel that is refused comes with a reason, a command that is refused with none.
        else if (error !== undefined && 'reason' in error) resolve(undefined);
        else reject(new GitferryError('not_a_git_server', { detail: `${place}: the SSH server runs no commands.`, cause: error }));
      };
      let isSent = false;
      try {
        const open = (): unknown => client.exec(command, { env: { ...env } }, answer);
        if (early === undefined) open();
        else isSent = this.#early.with(early, open);
      } catch {
        // The socket cannot be written to any more, and its end has not been noticed yet.
        this.#fail(sshEnded({ place, greeting: undefined, ready: true }));
        answer(undefined);
      }
    });
  }

  /** Ends it behind all that was written, with all its channels. Safe at any time, also twice. */
  end(): void {
    // No SSH_MSG_DISCONNECT: OpenSSH obeys it before it has passed on what commands were told last.
    if (this.#failure === undefined) this.#link.socket.end();
    this.#fail(new GitferryError('connection_failed', { detail: `${this.#link.place}: the connection was ended.` }));
  }

  #fail(reason: GitferryError): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#signal?.removeEventListener('abort', this.#abort);
    // After a goodbye it has to leave first; a socket that cannot is destroyed all the same.
    if (this.#link.socket.writableEnded) this.#link.socket.destroySoon();
    else this.#link.socket.destroy();
  }
}
