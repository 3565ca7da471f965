/** SSH connections between two runs of one process. A connection belongs to one run at a time. */
import { createHash } from 'node:crypto';
import { limits } from '../../../core/limits.ts';
import type { Credential } from '../../../credentials/credential.ts';
import type { Connection } from './ssh-connections.ts';

export interface KeptConnection extends Connection {
  /** Takes it out of its run: nobody's end ends it any more, and it keeps no process alive. */
  release(): void;
}

interface Idle<C> {
  readonly connection: C;
  readonly since: number;
  readonly timer: NodeJS.Timeout;
}

/** The same address, user and secrets, and the same host keys: whoever gets a connection could have opened it. */
export function poolKey(
  place: { readonly host: string; readonly port: number },
  { username, password, privateKey }: Credential,
  hostKeys: readonly string[],
): string {
  const parts = [place.host, place.port, username, password, privateKey ?? null, [...hostKeys].sort()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

export class SshPool<C extends KeptConnection> {
  readonly #idle = new Map<string, Idle<C>[]>();
  /** Repositories that did not understand a request sent ahead (ssh.ts), by `poolKey` and path. */
  readonly #slow = new Set<string>();
  /** Keys of connections that the server ended: it may do so after each command, while the next run is already using it. */
  readonly #hangingUp = new Set<string>();
  #closed = false;

  /** One that is idle, at most `idleConnectionMs` old: processes may be frozen meanwhile, and their timers with them. */
  take(key: string): C | undefined {
    for (let found = this.#idle.get(key)?.pop(); found !== undefined; found = this.#idle.get(key)?.pop()) {
      clearTimeout(found.timer);
      if (this.#idle.get(key)?.length === 0) this.#idle.delete(key);
      if (found.connection.failure === undefined && Date.now() - found.since < limits.idleConnectionMs) return found.connection;
      if (found.connection.failure !== undefined) this.distrust(key);
      found.connection.end();
    }
    return undefined;
  }

  keep(key: string, connection: C): void {
    connection.release();
    if (this.#closed || this.#hangingUp.has(key) || this.#size() >= limits.sshIdleConnections) return connection.end();
    const idle: Idle<C> = {
      connection,
      since: Date.now(),
      timer: setTimeout(() => {
        this.#drop(key, idle);
        connection.end();
      }, limits.idleConnectionMs).unref(),
    };
    this.#idle.set(key, [...(this.#idle.get(key) ?? []), idle]);
  }

  /** Keeps no more connections for this key. */
  distrust(key: string): void {
    if (this.#hangingUp.size >= limits.sshIdleConnections * 10) this.#hangingUp.clear();
    this.#hangingUp.add(key);
  }

  isSlow(repository: string): boolean {
    return this.#slow.has(repository);
  }

  noteSlow(repository: string): void {
    if (this.#slow.size >= limits.sshIdleConnections * 10) this.#slow.clear();
    this.#slow.add(repository);
  }

  /** Ends all that are idle; what comes back later is ended at once. */
  close(): void {
    this.#closed = true;
    for (const idle of this.#idle.values()) {
      for (const { connection, timer } of idle) {
        clearTimeout(timer);
        connection.end();
      }
    }
    this.#idle.clear();
  }

  #drop(key: string, idle: Idle<C>): void {
    const left = this.#idle.get(key)?.filter((other) => other !== idle) ?? [];
    if (left.length === 0) this.#idle.delete(key);
    else this.#idle.set(key, left);
  }

  #size(): number {
    let size = 0;
    for (const idle of this.#idle.values()) size += idle.length;
    return size;
  }
}
