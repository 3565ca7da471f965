/** The SSH connections of one transport: one for all its commands where the server allows that, more, to a limit, where it opens no further channel. */
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { SshChannel } from './ssh-channel.ts';

/** As ssh-client.ts has it. */
export interface Connection {
  readonly failure: GitferryError | undefined;
  exec(command: string, env: Readonly<Record<string, string>>, early?: Buffer): Promise<SshChannel | undefined>;
  end(): void;
}

interface Member<C> {
  readonly connection: C;
  /** Channels that were ever opened, those that still are, and those that are being opened. */
  opened: number;
  active: number;
  opening: number;
  /** It comes from an earlier run. */
  readonly isKept: boolean;
  /** The server has refused a further channel. It may do so for good: OpenSSH counts a session until its process is gone. */
  full: boolean;
}

export interface SshConnectionsDeps<C extends Connection> {
  connect(): Promise<C>;
  /** A connection of an earlier run, if there is one. */
  kept?(): C | undefined;
  /** Told that the server ended a connection of an earlier run. */
  distrust?(): void;
  /** Takes a connection for later runs. */
  keep?(connection: C): void;
  /** Asked when there is no room for another command: ends those that only wait for more work. */
  letGo(): void;
  readonly signal: AbortSignal;
  /** Longest wait for room. */
  readonly roomMs: number;
}

export class SshConnections<C extends Connection> {
  readonly #deps: SshConnectionsDeps<C>;
  readonly #members = new Set<Member<C>>();
  /** Those who wait for room. */
  readonly #waiting = new Set<() => void>();
  #connecting: Promise<Member<C>> | undefined;
  /** Connections that are being made for one command each. */
  #ownConnecting = 0;
  #closed = false;
  /** The server ends a connection when a command on it has ended, which would cut off the others: each gets its own. */
  #hangsUp = false;

  constructor(deps: SshConnectionsDeps<C>) {
    this.#deps = deps;
  }

  /** Whether somebody waits until a command ends. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Starts a command, once there is room for it. Throws what connecting and `exec` throw, and `connection_failed` if the server opens no channel at all,
   * or too few of them for too long. `early`: the beginning of its input. Whoever holds a channel must not make its end wait for another one's start.
   */
  async start(command: string, env: Readonly<Record<string, string>>, early?: Buffer): Promise<SshChannel> {
    for (;;) {
      if (this.#closed) throw new GitferryError('connection_failed', { detail: 'The SSH connection is closed.' });
      const known = this.#usable();
      if (known === undefined && this.#isAtLimit()) {
        await this.#room();
        continue;
      }
      const member = known ?? (await this.#opened());
      member.opening++;
      try {
        const channel = await member.connection.exec(command, env, early);
        if (channel !== undefined) return this.#counted(member, channel);
      } catch (error) {
        // It was closed while nobody used it, as some hosts do after each command.
        if ((known !== undefined || member.isKept) && member.connection.failure?.code === 'connection_failed') continue;
        throw error;
      } finally {
        member.opening--;
        this.#endIfDone(member);
      }
      // A refusal is quicker than a command's start: another one may be the channel that the server allows.
      if (member.opened + member.opening === 0 && !member.isKept)
        throw new GitferryError('connection_failed', { detail: 'The SSH server opens no channel.' });
      member.full = true;
      this.#endIfDone(member);
    }
  }

  /** Further commands start on none of the connections that are open now. */
  leave(): void {
    for (const member of [...this.#members]) {
      member.full = true;
      this.#endIfDone(member);
    }
  }

  /** Ends all of them. `isQuiet`: their commands have ended, or were told to: then one is kept for later runs. */
  close({ isQuiet = false } = {}): void {
    this.#closed = true;
    this.#wakeAll();
    this.#usable();
    const { keep } = this.#deps;
    const fit = isQuiet && !this.#hangsUp && keep !== undefined ? [...this.#members].find(isKeepable) : undefined;
    for (const { connection } of this.#members) if (connection !== fit?.connection) connection.end();
    if (fit !== undefined) keep?.(fit.connection);
    this.#members.clear();
  }

  #usable(): Member<C> | undefined {
    for (const member of this.#members) {
      if (member.connection.failure === undefined) {
        if (!member.full) return member;
        continue;
      }
      this.#members.delete(member);
      if (member.isKept) this.#deps.distrust?.();
      if (member.opened > 0) this.#hangsUp = true;
    }
    return undefined;
  }

  #isAtLimit(): boolean {
    return this.#connecting === undefined && this.#members.size + this.#ownConnecting >= limits.sshConnections;
  }

  /** Resolves when a connection has ended: there may be room now. Until then all are full. */
  async #room(): Promise<void> {
    const { signal, roomMs, letGo } = this.#deps;
    const undo: (() => void)[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        const tooFew = `The SSH server allows too few channels on ${this.#members.size} connections.`;
        const timer = setTimeout(() => reject(new GitferryError('connection_failed', { detail: tooFew })), roomMs);
        const abort = (): void => reject(signal.reason);
        signal.addEventListener('abort', abort);
        this.#waiting.add(resolve);
        undo.push(
          () => clearTimeout(timer),
          () => signal.removeEventListener('abort', abort),
          () => this.#waiting.delete(resolve),
        );
        if (signal.aborted) abort();
        letGo();
      });
    } finally {
      for (const step of undo) step();
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** A new one; who asks meanwhile shares it. */
  async #opened(): Promise<Member<C>> {
    const kept = this.#deps.kept?.();
    if (kept !== undefined) return this.#joined(kept, { isKept: true });
    if (this.#hangsUp) {
      this.#ownConnecting++;
      try {
        return this.#joined(await this.#deps.connect());
      } finally {
        this.#ownConnecting--;
        this.#wakeAll();
      }
    }
    this.#connecting ??= this.#deps
      .connect()
      .then((connection) => this.#joined(connection))
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  #joined(connection: C, { isKept = false } = {}): Member<C> {
    const member: Member<C> = { connection, opened: 0, active: 0, opening: 0, full: this.#hangsUp, isKept };
    if (this.#closed) connection.end();
    else this.#members.add(member);
    return member;
  }

  #counted(member: Member<C>, channel: SshChannel): SshChannel {
    member.opened++;
    member.active++;
    if (this.#hangsUp) member.full = true;
    channel.closed.then(() => {
      member.active--;
      this.#endIfDone(member);
    });
    return channel;
  }

  #endIfDone(member: Member<C>): void {
    if (!member.full || member.active + member.opening > 0) return;
    this.#members.delete(member);
    member.connection.end();
    this.#wakeAll();
  }
}

function isKeepable({ connection, full }: Member<Connection>): boolean {
  return connection.failure === undefined && !full;
}
