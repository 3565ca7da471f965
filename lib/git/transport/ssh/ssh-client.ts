/** SSH connections: ssh2 behind the address guard, with strict host keys, a limit for every wait, and failures as coded errors. */
import ssh2, { type AuthHandlerMiddleware, type ParsedKey, type ServerHostKeyAlgorithm } from 'ssh2';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Credential } from '../../../credentials/credential.ts';
import { connectSocket } from '../../../net/guarded-socket.ts';
import { fingerprintOf, type HostKey, hostKeyTypes } from '../host-keys/host-key.ts';
import { storedHostKey } from '../host-keys/known-hosts.ts';
import { signInAhead } from './ssh-ahead.ts';
import { type Link, SshConnection, type SshDeps } from './ssh-connection.ts';
import { isHostKeyTypeMismatch, type SshStage, sshEnded, sshSilent, toSshError } from './ssh-error.ts';
import { parsePrivateKey } from './ssh-key-pair.ts';
import { SshSignIn } from './ssh-sign-in.ts';

export interface SshPlace {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface SshLogin extends SshPlace {
  readonly credential: Credential;
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
  const signIn = new SshSignIn(credential, key);
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
  readonly signIn?: SshSignIn<ParsedKey>;
  readonly key?: ParsedKey | undefined;
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
