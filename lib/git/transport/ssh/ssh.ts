/** Git over SSH, gitprotocol-pack(5) and gitprotocol-v2(5): one connection for the conversations of a run, kept for later runs; one channel each. */
import type { Deadline } from '../../../core/deadline.ts';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Credential } from '../../../credentials/credential.ts';
import type { AddressGuard } from '../../../net/address-guard.ts';
import type { GitService } from '../../wire/advertisement.ts';
import type { RepositoryUrl } from '../repository-url.ts';
import { defaultPorts } from '../same-host.ts';
import type { Conversation, OpenOptions, Transport } from '../transport.ts';
import { connectSsh } from './ssh-client.ts';
import { sshCommand, sshUserFault } from './ssh-command.ts';
import type { SshConnection } from './ssh-connection.ts';
import { SshConnections } from './ssh-connections.ts';
import { ManyRequests, OneRequest } from './ssh-conversations.ts';
import { GitCommand } from './ssh-git-command.ts';
import { poolKey, type SshPool } from './ssh-pool.ts';

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

/** A transport for one repository. Without a credential it signs in as `git` and hopes for a server that asks for nothing. */
export function createSshTransport(url: RepositoryUrl, credential: Credential | undefined, deps: SshTransportDeps): Transport {
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
  readonly #commands = new Set<GitCommand>();
  /** Whether the server's git-upload-pack is known to speak v2. */
  #speaksV2: boolean | undefined;

  constructor(url: RepositoryUrl, credential: Credential, deps: SshTransportDeps) {
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
      distrust: () => pool?.distrust(key),
      letGo: () => {
        for (const command of this.#commands) if (command.state === 'spare') command.sayGoodbye();
      },
      signal: deps.deadline.signal,
      roomMs: deps.waits?.roomMs ?? limits.sshRoomMs,
    });
  }

  async open(service: GitService, { protocol, assumeV2, ahead, isFresh }: OpenOptions): Promise<Conversation> {
    if (isFresh === true) this.#connections.leave();
    const start = (early?: Buffer): Promise<GitCommand> => this.#start(service, protocol, early);
    const many = (first?: GitCommand, sent?: Buffer): Conversation => {
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

  async #start(service: GitService, protocol: 0 | 2, early?: Buffer): Promise<GitCommand> {
    const env: Record<string, string> = protocol === 2 ? { GIT_PROTOCOL: 'version=2' } : {};
    const channel = await this.#connections.start(sshCommand(service, this.#url), env, early);
    const command = new GitCommand(channel, this.href, this.#answerMs);
    this.#commands.add(command);
    channel.closed.then(() => this.#commands.delete(command));
    return command;
  }
}
