/** The command that an SSH server is asked to run, its path quoted exactly as git quotes it. */
import { GitferryError } from '../../../core/errors.ts';
import type { GitService } from '../../wire/advertisement.ts';

/** `git-upload-pack '/group/repository.git'` for a repository URL. Throws `invalid_url` for a path that `sshPath` refuses. */
export function sshCommand(
  service: GitService | 'git-lfs-authenticate',
  { path, href }: { readonly path: string; readonly href: string },
): string {
  const decoded = sshPath(path);
  if ('fault' in decoded) throw new GitferryError('invalid_url', { detail: `${href}: ${decoded.fault}` });
  return `${service} ${shellQuoted(decoded.path)}`;
}

/** The path as the server gets it: percent-decoded once, `/~user/x` as `~user/x`; or why it is refused. */
export function sshPath(encoded: string): { readonly path: string } | { readonly fault: string } {
  let path: string;
  try {
    path = decodeURIComponent(encoded);
  } catch {
    return { fault: 'its path is not UTF-8, or holds a % that is not written as %25.' };
  }
  if (path === '' || path === '/') return { fault: 'it names no repository: the path is missing.' };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(path)) return { fault: 'its path holds a line break or another control character.' };
  // A server may cut off what stands in front, and then take the rest for an option.
  if (/^\/*(~\/?)?-/.test(path)) return { fault: 'its path begins with a -, which the server could take for an option.' };
  return { path: path.startsWith('/~') ? path.slice(1) : path };
}

/** git's sq_quote_buf (quote.c): in single quotes, with `'` and `!` (for csh) left outside behind a backslash. */
function shellQuoted(text: string): string {
  return `'${text.replace(/['!]/g, "'\\$&'")}'`;
}

/** Why a user name is refused for SSH: it could be taken for an option or a command by what hosts put behind sshd. */
export function sshUserFault(username: string): string | undefined {
  if (username.startsWith('-')) return 'its user name begins with a -, which could be taken for an option.';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(username)) return 'its user name holds a line break or another control character.';
  // The same as ssh(1) refuses.
  if (/['"`$;&<>|(){}\\]/.test(username)) return 'its user name holds a quote or another character that a shell would read.';
  return undefined;
}
