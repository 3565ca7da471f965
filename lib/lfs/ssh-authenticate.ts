/** `git-lfs-authenticate` over SSH: where the LFS server is, and what signs in there for a while (git-lfs docs/api/authentication.md). */

import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Credential } from '../credentials/credential.ts';
import type { RepositoryUrl } from '../git/transport/repository-url.ts';
import { defaultPorts } from '../git/transport/same-host.ts';
import type { SshChannel } from '../git/transport/ssh/ssh-channel.ts';
import { connectSsh } from '../git/transport/ssh/ssh-client.ts';
import { sshCommand } from '../git/transport/ssh/ssh-command.ts';
import type { SshDeps } from '../git/transport/ssh/ssh-connection.ts';
import { expiryOf, headerOf, httpUrlOf, type LfsOperation } from './batch-message.ts';
import type { SshAuthenticate, SshAuthorization } from './lfs-endpoint.ts';

export interface SshLfsHost {
  readonly url: RepositoryUrl;
  readonly credential: Credential | undefined;
  readonly hostKeys: readonly string[];
}

const mostBytes = 64 * 1024;
/** Of shells: not found, or not to be run. */
const noSuchCommand: ReadonlySet<number | undefined> = new Set([126, 127]);

export interface SshAuthenticateDeps extends SshDeps {
  /** Longest wait for the whole answer; that of `limits` unless a test is in a hurry. */
  readonly answerMs?: number;
}

/**
 * A connection of its own for each question; a run asks one or two. Throws what `connectSsh` throws, `lfs_access_denied`, `lfs_protocol_error`, and `timed_out`
 * where the command does not end.
 */
export function createSshAuthenticate({ url, credential, hostKeys }: SshLfsHost, deps: SshAuthenticateDeps): SshAuthenticate {
  return async (operation) => {
    const place = { host: url.host, port: url.port ?? defaultPorts.ssh };
    const connection = await connectSsh({ ...place, credential: credential ?? { username: '', password: '' }, hostKeys }, deps);
    try {
      const channel = await connection.exec(commandFor(url, operation), {});
      if (channel === undefined) return undefined;
      return await inTime(answerOf(channel, url.host), url.host, deps.answerMs ?? limits.answerMs);
    } finally {
      connection.end();
    }
  };
}

/** As git-lfs asks: the path as the Git commands get it, then the operation. */
function commandFor(url: RepositoryUrl, operation: LfsOperation): string {
  return `${sshCommand('git-lfs-authenticate', url)} ${operation}`;
}

/** A command that hangs is a failure of the objects, and not the end of the run. */
async function inTime<T>(answer: Promise<T>, host: string, answerMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new GitferryError('timed_out', { detail: `${host}: git-lfs-authenticate does not end.` });
    timer = setTimeout(() => reject(error), answerMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf(channel: SshChannel, host: string): Promise<SshAuthorization | undefined> {
  channel.finish();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > mostBytes) throw new GitferryError('lfs_protocol_error', { detail: `${host}: git-lfs-authenticate says too much.` });
  }
  const receivedAt = Date.now();
  const patience = new Promise<void>((resolve) => setTimeout(resolve, limits.restMs).unref());
  await Promise.race([channel.closed, patience]);
  const { code } = channel.exit ?? {};
  if (noSuchCommand.has(code) && bytes === 0) return undefined;
  // A shell that knows Git alone refuses what it does not know; so does one that knows the account has no access. Its words tell which.
  if (code !== 0 && code !== undefined) {
    throw new GitferryError('lfs_access_denied', { detail: `${host}: git-lfs-authenticate ended with ${code}`, words: channel.words });
  }
  const answer = parseAuthorization(Buffer.concat(chunks).toString('utf8'), receivedAt);
  if (answer === undefined)
    throw new GitferryError('lfs_protocol_error', { detail: `${host}: the answer of git-lfs-authenticate cannot be read.` });
  return answer;
}

/** The JSON that the command prints; undefined if it is none, or names an address that is not http or https. */
function parseAuthorization(text: string, receivedAt: number): SshAuthorization | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return undefined;
  const fields = answer as Readonly<Record<string, unknown>>;
  const header = headerOf(fields['header']);
  if (header === undefined) return undefined;
  const named = fields['href'];
  if (named === undefined || named === null || named === '') return { href: undefined, header, expiresAt: expiryOf(fields, receivedAt) };
  const href = httpUrlOf(named);
  return href === undefined ? undefined : { href, header, expiresAt: expiryOf(fields, receivedAt) };
}
