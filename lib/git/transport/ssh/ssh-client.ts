/** SSH connections: ssh2 behind the address guard, with strict host keys, a limit for every wait, and failures as coded errors. */
import type { Socket } from 'node:net';
import ssh2, { type AuthHandlerMiddleware, type Client, type ClientChannel, type ParsedKey, type ServerHostKeyAlgorithm } from 'ssh2';
import type { Deadline } from '../../../core/deadline.ts';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { AddressGuard } from '../../../net/address-guard.ts';
import { connectSocket } from '../../../net/guarded-socket.ts';
import { fingerprintOf, type HostKey, hostKeyTypes } from '../host-keys/host-key.ts';
import { storedHostKey } from '../host-keys/known-hosts.ts';
import { EarlyInput, signInAhead } from './ssh-ahead.ts';
import { SshChannel } from './ssh-channel.ts';
import { isHostKeyTypeMismatch, type SshStage, sshEnded, sshSilent, toSshError } from './ssh-error.ts';
import { parsePrivateKey } from './ssh-key-pair.ts';
import { SignIn, type SshCredential } from './ssh-sign-in.ts';

export interface SshDeps {
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
  /** Longest waits; those of `limits` unless a test is in a hurry. */
  readonly waits?: { readonly handshakeMs: number; readonly channelMs: number };
}

export interface SshPlace {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface SshLogin extends SshPlace {
  readonly credential: SshCredential;
  /** Stored known_hosts lines; the server must prove one of these keys. */
  readonly hostKeys: readonly string[];
}

/** How a key of a type is proved, RFC 8332; the others by the type's own name. */
const proofs: Readonly<Record<string, readonly string[]>> = { 'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] };
/** AES-GCM first: one pass, in hardware, 32 KB at a time. No compression: packs are compressed. */
const ciphers = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
] as const;
const greetingBytes = 512;

/**
 * One handshake that offers these host key types only, ended before anybody signs in. Returns the key that the server proved, or undefined
 * if it has none of them. Throws `address_blocked`, `dns_failed`, `connection_failed`, `timed_out`, `not_an_ssh_server`, `ssh_algorithms_differ`, ...
 */
export async function offeredHostKey(
  place: SshPlace & { readonly algorithms: readonly string[] },
  deps: SshDeps,
): Promise<HostKey | undefined> {
  let offered: Buffer | undefined;
  try {
    const link = await shakeHands(
      place,
      {
        types: place.algorithms,
        check(key) {
          offered = key;
          return undefined;
        },
      },
      deps,
    );
    link.socket.destroy();
  } catch (error) {
    if (error instanceof GitferryError && isHostKeyTypeMismatch(error.cause)) return undefined;
    throw error;
  }
  return offered === undefined ? undefined : hostKeyOf(offered);
}

/**
 * A connection that is signed in, to be ended by the caller. Throws, beside what `offeredHostKey` does, `host_key_unknown` (nothing stored: before connecting),
 * `host_key_changed`, `credentials_missing`, `credentials_refused`, `public_key_required`, `password_required`, `private_key_unusable`.
 */
export async function connectSsh({ host, port, credential, hostKeys }: SshLogin, deps: SshDeps): Promise<SshConnection> {
  const stored = hostKeys.flatMap((line) => storedHostKey(line) ?? []);
  if (stored.length === 0) throw new GitferryError('host_key_unknown', { detail: `${host}:${port}.` });
  const key = credential.privateKey === undefined ? undefined : parsePrivateKey(credential.privateKey);
  const signIn = new SignIn(credential, key);
  const check = (key: Buffer): GitferryError | undefined =>
    stored.some((known) => known.key.equals(key)) ? undefined : keyChanged({ host, port }, stored, hostKeyOf(key));
  const types = hostKeyTypes.filter((type) => stored.some((key) => key.type === type));
  try {
    return new SshConnection(await shakeHands({ host, port }, { types, check, signIn, key }, deps), deps);
  } catch (error) {
    if (!(error instanceof GitferryError) || !isHostKeyTypeMismatch(error.cause)) throw error;
    // It has other types only. One more handshake, for the fingerprint that a person will want to compare.
    const offered = await offeredHostKey({ host, port, algorithms: hostKeyTypes }, deps);
    throw offered === undefined ? error : keyChanged({ host, port }, stored, offered);
  }
}

function keyChanged({ host, port }: SshPlace, stored: readonly HostKey[], offered: HostKey): GitferryError {
  const shown = (key: HostKey): string => {
    const { label, sha256 } = fingerprintOf(key);
    return `${label} ${sha256}`;
  };
  return new GitferryError('host_key_changed', {
    detail: `${host}:${port} proved ${shown(offered)}; stored: ${stored.map(shown).join(', ')}.`,
  });
}

/** RFC 4253 §6.6: a key begins with the name of its type. */
function hostKeyOf(key: Buffer): HostKey {
  return { type: key.length < 4 ? '' : key.toString('latin1', 4, 4 + Math.min(key.readUInt32BE(0), 64)), key };
}

interface Handshake {
  readonly types: readonly string[];
  /** The reason not to go on with this host key. */
  check(key: Buffer): GitferryError | undefined;
  /** Without it, the handshake ends when the host key is proved. */
  readonly signIn?: SignIn<ParsedKey>;
  readonly key?: ParsedKey | undefined;
}

/** A connection whose handshake is done. */
interface Link {
  readonly client: Client;
  readonly socket: Socket;
  readonly place: string;
}

async function shakeHands(
  { host, port }: SshPlace,
  { types, check, signIn, key }: Handshake,
  { guard, deadline, waits }: SshDeps,
): Promise<Link> {
  const place = `${host}:${port}`;
  const socket = await connectSocket({ host, port }, guard, deadline.signal);
  const client = new ssh2.Client();
  let greeting: Buffer | undefined = Buffer.alloc(0);
  const stage = (): SshStage => ({ place, greeting, ready: false });
  const cleanUp: (() => void)[] = [];
  try {
    return await new Promise<Link>((resolve, reject) => {
      const timer = setTimeout(() => reject(sshSilent(stage())), waits?.handshakeMs ?? limits.sshHandshakeMs);
      const abort = (): void => reject(deadline.signal.reason);
      deadline.signal.addEventListener('abort', abort, { once: true });
      cleanUp.push(
        () => clearTimeout(timer),
        () => deadline.signal.removeEventListener('abort', abort),
      );
      const refuse = (error: unknown): false => {
        reject(error);
        return false;
      };
      const nextAttempt = (left: readonly string[] | null): unknown => {
        const attempt = signIn?.next(left) ?? false;
        if (attempt === false) return refuse(signIn?.failure(place));
        if (attempt.type !== 'keyboard-interactive') return attempt;
        const answer = (
          _name: string,
          _instructions: string,
          _language: string,
          prompts: Parameters<typeof attempt.prompt>[0],
          finish: (answers: readonly string[]) => void,
        ) => {
          try {
            finish(attempt.prompt(prompts));
          } catch (error) {
            refuse(error);
          }
        };
        return { ...attempt, prompt: answer };
      };
      client.on('error', (error) => reject(toSshError(error, stage())));
      client.on('close', () => reject(sshEnded(stage())));
      client.on('change password', () =>
        refuse(new GitferryError('credentials_refused', { detail: `${place}: the password has expired.` })),
      );
      client.on('handshake', () => {
        if (signIn === undefined) resolve({ client, socket, place });
        if (signIn === undefined) socket.destroy();
      });
      client.on('ready', () => resolve({ client, socket, place }));
      client.connect({
        sock: socket,
        username: 'git',
        readyTimeout: 0,
        keepaliveInterval: limits.sshKeepAliveMs,
        keepaliveCountMax: limits.sshKeepAlives,
        algorithms: {
          serverHostKey: types.flatMap((type) => proofs[type] ?? [type]) as ServerHostKeyAlgorithm[],
          cipher: [...ciphers],
          compress: ['none'],
        },
        hostVerifier: (key: Buffer) => {
          const reason = check(key);
          return reason === undefined ? true : refuse(reason);
        },
        // ssh2's types know neither its own prompt's form nor that it takes keys that were parsed.
        authHandler: ((left: string[] | null) => nextAttempt(left)) as unknown as AuthHandlerMiddleware,
      });
      if (signIn !== undefined) signInAhead(client, key);
      const watch = (data: Buffer): void => {
        greeting = Buffer.concat([greeting ?? Buffer.alloc(0), data.subarray(0, greetingBytes)]);
        const named = /(^|\n)SSH-(2\.0|1\.99)-/.test(greeting.toString('latin1'));
        if (named) greeting = undefined;
        if (named || data.length > greetingBytes) socket.off('data', watch);
      };
      // The socket is paused until ssh2 listens as well.
      socket.on('data', watch);
      cleanUp.push(() => socket.off('data', watch));
    });
  } catch (error) {
    client.on('error', () => {});
    socket.destroy();
    throw error;
  } finally {
    for (const undo of cleanUp) undo();
  }
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
