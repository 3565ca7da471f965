/** What goes wrong with an SSH connection, as coded errors: the one place where ssh2's errors and a server's farewells are read. */
import type { ErrorCode } from '../../../core/error-catalogue.ts';
import { GitferryError } from '../../../core/errors.ts';
import { printable } from '../../../core/printable.ts';
import { toNetworkError } from '../../../net/network-error.ts';

/** As far as a connection got before it failed. */
export interface SshStage {
  /** `host:port`. */
  readonly place: string;
  /** What came before the server named itself as SSH; undefined once it has. */
  readonly greeting: Buffer | undefined;
  /** Whether it is signed in. */
  readonly ready: boolean;
}

/** RFC 4253 §11.1. What is not here is `connection_failed`. */
const disconnectCodes: Readonly<Record<number, ErrorCode>> = {
  1: 'permission_denied', // HOST_NOT_ALLOWED_TO_CONNECT
  8: 'ssh_algorithms_differ', // PROTOCOL_VERSION_NOT_SUPPORTED
  12: 'rate_limited', // TOO_MANY_CONNECTIONS
  14: 'credentials_refused', // NO_MORE_AUTH_METHODS_AVAILABLE
  15: 'credentials_refused', // ILLEGAL_USER_NAME
};
/** What OpenSSH sends for this when a key is refused too often; before that it means what it says. */
const protocolErrorReason = 2;
const keyExchangeFailedReason = 3;

/** What sshd(8) writes instead of its name when too many connections are being made (MaxStartups, PerSourcePenalties): it is SSH, and busy. */
const busyGreeting = /^(Exceeded MaxStartups|Not allowed at this time)\r?\n/;

const busyHint =
  'sshd takes no more connections at this time (MaxStartups, PerSourcePenalties in sshd_config). A mirror tries again by itself; on the command line, run it again in some minutes. If it stays, raise these, or mirror fewer repositories of this host at once.';

/** The error that a failed connection stands for. ssh2 marks where an error comes from (`level`), and a server's own farewell by its number. */
export function toSshError(error: unknown, { place, greeting, ready }: SshStage): GitferryError {
  if (error instanceof GitferryError) return error;
  const { level, code, message = String(error) } = (error ?? {}) as { level?: string; code?: unknown; message?: string };
  const words = shownWords(message);
  // Only a farewell has a number; the rest are ssh2's own sentences.
  const isFarewell = typeof code === 'number';
  const failure = (as: ErrorCode): GitferryError =>
    new GitferryError(as, isFarewell ? { detail: place, words, cause: error } : { detail: `${place}: ${words}`, cause: error });
  if (level === 'client-socket') return toNetworkError(error, place);
  if (level === 'client-timeout') return failure('timed_out');
  if (greeting !== undefined) return notSsh(place, greeting, error);
  if (typeof code === 'number') {
    if (code === protocolErrorReason && !ready) return failure('credentials_refused');
    if (code === keyExchangeFailedReason && !ready) return failure('ssh_algorithms_differ');
    return failure(disconnectCodes[code] ?? 'connection_failed');
  }
  if (level === 'handshake' && isAlgorithmMismatch(error)) return failure('ssh_algorithms_differ');
  // A packet that cannot be: the connection was damaged on its way, or what answers only pretends to be SSH.
  return failure(ready ? 'connection_failed' : 'protocol_error');
}

/** Whether the two sides could not agree. ssh2 has nothing but these words for it; a test holds that it still uses them. */
function isAlgorithmMismatch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Handshake failed: no matching ');
}

/** The same for the host key alone: the server has no key of the types that were asked for. */
export function isHostKeyTypeMismatch(error: unknown): boolean {
  return error instanceof Error && error.message === 'Handshake failed: no matching host key format';
}

/** A connection that ended by itself. */
export function sshEnded({ place, greeting, ready }: SshStage): GitferryError {
  if (greeting !== undefined && greeting.length > 0) return notSsh(place, greeting);
  const when = ready ? '' : ' before it was signed in';
  return new GitferryError('connection_failed', { detail: `${place}: the server closed the connection${when}.` });
}

/** A handshake that did not end in time: what said something else than SSH is something else. */
export function sshSilent({ place, greeting }: SshStage): GitferryError {
  if (greeting !== undefined && greeting.length > 0) return notSsh(place, greeting);
  return new GitferryError('timed_out', { detail: `${place}: the SSH handshake did not end.` });
}

function notSsh(place: string, greeting: Buffer, cause?: unknown): GitferryError {
  if (greeting.length === 0)
    return new GitferryError('connection_failed', { detail: `${place}: the server closed the connection at once.`, cause });
  const text = greeting.toString('latin1');
  const detail = `${place} said ${JSON.stringify(shownWords(text))}.`;
  if (!busyGreeting.test(text)) return new GitferryError('not_an_ssh_server', { detail, cause });
  return new GitferryError('rate_limited', { detail, cause, hint: busyHint });
}

/** A stranger's words in one line, fit to be shown. */
export function shownWords(text: string): string {
  return printable(text).replace(/\s+/g, ' ').trim();
}
