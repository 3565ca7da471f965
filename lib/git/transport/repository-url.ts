/** Repository URLs as people type them: checked, user info split off at once, SCP-style refused with its ssh:// form. */

import { GitferryError } from '../../core/errors.ts';
import type { Credential } from '../../credentials/credential.ts';
import { credentialFault } from '../../credentials/credential-fault.ts';
import { defaultPorts } from './same-host.ts';
import { sshPath, sshUserFault } from './ssh/ssh-command.ts';

export interface RepositoryUrl {
  readonly scheme: 'https' | 'http' | 'ssh';
  /** Host name or address as typed, without brackets or port. */
  readonly host: string;
  /** undefined = the scheme's own. */
  readonly port: number | undefined;
  /** As in the URL, percent-encoded, beginning with /, without a slash at the end. */
  readonly path: string;
  /** The whole URL without user info; safe to show and log. */
  readonly href: string;
}

export interface ParsedRepositoryUrl {
  readonly url: RepositoryUrl;
  /** What stood in front of its @, percent-decoded exactly once. */
  readonly userInfo?: Credential;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const forbidden = /[\x00-\x20\x7f\\]/;
const scpStyle = /^(?:(?<user>[^@:/]+)@)?(?<host>\[[^\]/]+\]|[^@:/[\]]+):(?!\/\/)(?<path>[^@]+)$/;
const schemes: Readonly<Record<string, RepositoryUrl['scheme']>> = { 'https:': 'https', 'http:': 'http', 'ssh:': 'ssh' };

/** The ssh:// URL that an SCP-style address (`git@host:path`) stands for, or undefined if it is none. */
export function sshFormOfScp(text: string): string | undefined {
  const groups = scpStyle.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { user, host = '', path = '' } = groups;
  // An SCP-style path is taken literally, a URL's is percent-decoded.
  const encoded = path.replace(/^\//, '').replace(/[%?#]/g, encodeURIComponent);
  return `ssh://${user === undefined ? '' : `${user}@`}${host}/${encoded}`;
}

/**
 * Parses what somebody typed. `field` names it in messages, which never repeat the text (it may hold a password). Without `needsPath`, a host alone will do.
 * Throws `invalid_url`, `scp_style_url`, `unsupported_scheme`.
 */
export function parseRepositoryUrl(text: string, field: string, { needsPath = true } = {}): ParsedRepositoryUrl {
  const invalid = (why: string): GitferryError => new GitferryError('invalid_url', { detail: `${field}: ${why}` });
  if (text === '') throw invalid('it is empty.');
  if (forbidden.test(text)) throw invalid('it holds a space, line break, backslash or control character.');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*:)\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (/^file:/i.test(text)) throw new GitferryError('unsupported_scheme', { detail: `${field} is a file on this machine.` });
    const shown = shownSshForm(text);
    if (shown !== undefined)
      throw new GitferryError('scp_style_url', { detail: `${field}: use ${shown} instead.`, hint: `Use ${shown} instead.` });
    if (sshFormOfScp(text) !== undefined) throw new GitferryError('scp_style_url', { detail: `${field} has no scheme.` });
    if (text.includes('@')) throw invalid('it has no scheme (https:// or ssh://).');
    throw new GitferryError('unsupported_scheme', { detail: `${field} has no scheme: it looks like a path on this machine.` });
  }
  const known = schemes[scheme];
  if (known === undefined)
    throw new GitferryError('unsupported_scheme', { detail: `${field} has a scheme other than https://, http:// and ssh://.` });
  // new URL would take the first part of the path for the host.
  if (text.charAt(scheme.length + 2) === '/') throw invalid('it names no host.');
  if (isPasswordCut(text.slice(scheme.length + 2))) throw invalid('a / in its password must be written as %2F, a ? as %3F, a # as %23.');
  if (text.includes('?') || text.includes('#'))
    throw invalid('it must not have a query (?) or a fragment (#); encode these characters as %3F and %23.');

  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    // new URL's own message repeats its input.
    throw invalid(`it cannot be read as a URL (${(cause as { code?: string }).code ?? 'unreadable'}): check host and port.`);
  }
  if (url.hostname === '') throw invalid('it names no host.');
  if (!/^[A-Za-z0-9_.\-[\]:]+$/.test(url.hostname) || url.hostname.startsWith('-')) throw invalid('its host name is not valid.');
  const path = withoutLastSlashes(url.pathname);
  const port = url.port === '' ? undefined : Number(url.port);
  if (port === 0) throw invalid('port 0 cannot be connected to.');
  const authority = port === undefined ? url.hostname : `${url.hostname}:${port}`;
  const parsed: RepositoryUrl = {
    scheme: known,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    path,
    href: `${known}://${authority}${path}`,
  };
  // `https://me:12/secret@host/r`: a password with a slash, taken for a port and a path. Neither is shown.
  if (port !== undefined && url.username === '' && path.includes('@'))
    throw invalid('a / in its password must be written as %2F (and a @ in its path as %40).');
  if (needsPath && path === '') throw invalid('it names no repository: the path behind the host is missing.');
  if (known === 'ssh') {
    const decoded = sshPath(path);
    if ('fault' in decoded) throw invalid(decoded.fault);
  }
  if (url.username === '' && url.password === '') return { url: parsed };
  const userInfo = decodedUserInfo(url);
  if (userInfo === undefined) throw invalid('a % in its user name or password must be written as %25.');
  const unsent = credentialFault(userInfo);
  if (unsent !== undefined) throw invalid(`its ${unsent.of} cannot be used: ${unsent.fault}.`);
  const fault = known === 'ssh' ? sshUserFault(userInfo.username) : undefined;
  if (fault !== undefined) throw invalid(fault);
  return { url: parsed, userInfo };
}

/** `me:a/b@host/r`: for every reader of URLs the host ends at the slash. A port in front of it is looked at later. */
function isPasswordCut(rest: string): boolean {
  const end = rest.search(/[/?#]/);
  const authority = rest.slice(0, end);
  if (end === -1 || authority.startsWith('[') || authority.includes('@')) return false;
  return /:.*[^\d:]|:.*:|:$/.test(authority) && rest.includes('@', end);
}

/** By hand: a regular expression for this begins anew at each slash, and webhooks name URLs of any length. */
function withoutLastSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end--;
  return path.slice(0, end);
}

function decodedUserInfo({ username, password }: URL): Credential | undefined {
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

/** Whether two URLs name the same repository as far as one can tell from outside: same host, port (or both the scheme's own) and path but for `.git`. */
export function isSameRepository(a: RepositoryUrl, b: RepositoryUrl): boolean {
  const place = ({ scheme, host, port, path }: RepositoryUrl): string => {
    const shownPort = port === undefined || port === defaultPorts[scheme] ? '' : `:${port}`;
    return `${host.toLowerCase().replace(/\.$/, '')}${shownPort}${path.replace(/\/{2,}/g, '/').replace(/\.git$/, '')}`;
  };
  return place(a) === place(b);
}

/** Account names that hosts give to everybody. */
const commonUsers: ReadonlySet<string> = new Set(['git', 'hg', 'gitlab', 'gitea', 'forgejo', 'gogs', 'aur']);

/**
 * The ssh:// URL that an SCP-style address stands for, if it may be repeated. `TOKEN@host:path` and `user:password` look like one: only the common user names
 * are shown, without a user name only what ends in `.git`, and nothing that could be a query.
 */
export function shownSshForm(text: string): string | undefined {
  const { user, path = '' } = scpStyle.exec(text)?.groups ?? {};
  const isHarmless = user === undefined ? /[^/]\.git$/.test(path) : commonUsers.has(user);
  return isHarmless && !/[?#&=]/.test(path) ? sshFormOfScp(text) : undefined;
}
