/** The SSH connections of one transport: one for all its commands where the server allows that, more where it opens no further channel. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { SshChannel } from './ssh-channel.ts';

/** As ssh-client.ts has it. */
export interface Connection {
  readonly failure: GitferryError | undefined;
  exec(command: string, env: Readonly<Record<string, string>>): Promise<SshChannel | undefined>;
  end(): void;
}

interface Member {
  readonly connection: Connection;
  /** Channels that were ever opened, and those that still are. */
  opened: number;
  active: number;
  /** The server has refused a further channel. It may do so for good: OpenSSH counts a session until its process is gone. */
  full: boolean;
}

export class SshConnections {
  readonly #connect: () => Promise<Connection>;
  readonly #members = new Set<Member>();
  #connecting: Promise<Member> | undefined;
  /** The server ends a connection when a command on it has ended, which would cut off the others: each gets its own. */
  #hangsUp = false;

  constructor(connect: () => Promise<Connection>) {
    this.#connect = connect;
  }

  /** Starts a command. Throws what connecting and `exec` throw, and `connection_failed` if the server opens no channel at all. */
  async start(command: string, env: Readonly<Record<string, string>>): Promise<SshChannel> {
    for (;;) {
      const known = this.#usable();
      const member = known ?? (await this.#opened());
      try {
        const channel = await member.connection.exec(command, env);
        if (channel !== undefined) return this.#counted(member, channel);
      } catch (error) {
        // It was closed while nobody used it, as some hosts do after each command.
        if (known !== undefined && member.connection.failure?.code === 'connection_failed') continue;
        throw error;
      }
      if (member.opened === 0) throw new GitferryError('connection_failed', { detail: 'The SSH server opens no channel.' });
      member.full = true;
      this.#endIfDone(member);
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const { connection } of this.#members) connection.end();
    this.#members.clear();
    // Whoever still waits for one gets it and ends with the transport.
    this.#connecting?.then(
      ({ connection }) => connection.end(),
      () => {},
    );
  }

  #usable(): Member | undefined {
    for (const member of this.#members) {
      if (member.connection.failure === undefined) {
        if (!member.full) return member;
        continue;
      }
      this.#members.delete(member);
      if (member.opened > 0) this.#hangsUp = true;
    }
    return undefined;
  }

  /** A new one; who asks meanwhile shares it. */
  async #opened(): Promise<Member> {
    if (this.#members.size >= limits.sshConnections) {
      throw new GitferryError('connection_failed', {
        detail: `The SSH server allows too few channels on ${this.#members.size} connections.`,
      });
    }
    if (this.#hangsUp) return this.#joined(await this.#connect());
    this.#connecting ??= this.#connect()
      .then((connection) => this.#joined(connection))
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  #joined(connection: Connection): Member {
    const member: Member = { connection, opened: 0, active: 0, full: this.#hangsUp };
    this.#members.add(member);
    return member;
  }

  #counted(member: Member, channel: SshChannel): SshChannel {
    member.opened++;
    member.active++;
    if (this.#hangsUp) member.full = true;
    channel.closed.then(() => {
      member.active--;
      this.#endIfDone(member);
    });
    return channel;
  }

  #endIfDone(member: Member): void {
    if (!member.full || member.active > 0) return;
    this.#members.delete(member);
    member.connection.end();
  }
}
