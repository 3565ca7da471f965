/** What it means that a Git command over SSH ended before it said anything, or said something else than Git: by exit status; words choose between refusals alone. */
import type { ErrorCode } from '../../../core/error-catalogue.ts';
import { GitferryError } from '../../../core/errors.ts';
import { refineHint } from '../../../core/provider-messages.ts';
import { refusalNamed } from '../../../core/refusal-code.ts';
import type { ExitStatus } from './ssh-channel.ts';
import { shownWords } from './ssh-error.ts';

interface Ending {
  readonly href: string;
  readonly exit: ExitStatus | undefined;
  /** Standard error, printable. */
  readonly words: string;
}

/** The command ended without a byte of an advertisement. */
export function refusedByExit({ href, exit, words }: Ending): GitferryError {
  const code = codeOf(exit, words);
  const hint = refineHint({ code, words, href }) ?? hintFor(code, exit);
  return new GitferryError(code, { detail: `${href}: ${ending(exit)}`, words, href, ...(hint === undefined ? {} : { hint }) });
}

/** The command ended in the middle of a conversation, without answering. */
export function endedWithoutAnswer({ href, exit, words }: Ending): GitferryError {
  return new GitferryError('remote_error', { detail: `${href}: ${ending(exit)}`, words, href });
}

/** The first words are no packet: a greeting of the login shell, a menu, a restricted account. */
export function notGit(href: string, head: Buffer, words: string): GitferryError {
  const said = [shownWords(head.toString('utf8')), words].filter((text) => text !== '').join(' / ');
  return new GitferryError('not_a_git_server', {
    detail: `${href}: the server said ${JSON.stringify(shownWords(said))}.`,
    hint: 'Another command runs there in place of Git, or a start-up file of the account (.bashrc, .profile) prints something. Nothing may be printed when a command is run over SSH.',
  });
}

function codeOf(exit: ExitStatus | undefined, words: string): ErrorCode {
  // The program was killed: the server's own trouble.
  if (exit?.signal !== undefined) return 'connection_failed';
  // Some servers say no in words and never send an exit status (Gogs); one that says nothing at all has broken down.
  if (exit?.code === undefined) return words === '' ? 'connection_failed' : refused(words);
  // 126 and 127: the shell found no Git to run (POSIX). 0: something ran that had nothing to say.
  if (exit.code === 0 || exit.code === 126 || exit.code === 127) return 'not_a_git_server';
  // 255 is ssh's own and that of many front ends for trouble behind them.
  if (exit.code === 255) return 'server_error';
  // 128 is how git dies; hosting services end with 1.
  return refused(words);
}

/** All that a host can dislike so far is the repository, or who asks for it. */
function refused(words: string): ErrorCode {
  return refusalNamed(words) ?? 'repository_not_found';
}

function hintFor(code: ErrorCode, exit: ExitStatus | undefined): string | undefined {
  if (code === 'not_a_git_server' && exit?.code !== 0)
    return 'Git is not installed on the host, or not on the PATH of this account, or the account may not run commands.';
  if (code === 'repository_not_found' || code === 'permission_denied')
    return 'Check the path in the URL, and what this key or account may do there: hosts answer like this where it may not see the repository, or not write to a target (deploy keys are often read-only).';
  return undefined;
}

function ending(exit: ExitStatus | undefined): string {
  if (exit?.code !== undefined) return `the command ended with exit status ${exit.code}`;
  return exit?.signal === undefined ? 'the command ended' : `the command was ended by ${shownWords(exit.signal)}`;
}
