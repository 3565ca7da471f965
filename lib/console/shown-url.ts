/** What of a URL that somebody typed may be put into a page again: never what may be a password. */
import { unmasked } from '../api/input/masked-user-info.ts';
import { GitferryError } from '../core/errors.ts';
import { type ParsedRepositoryUrl, parseRepositoryUrl, shownSshForm } from '../git/transport/repository-url.ts';

/** undefined = it cannot be read. */
export function readUrl(typed: string): ParsedRepositoryUrl | undefined {
  try {
    return parseRepositoryUrl(typed, 'url');
  } catch (error) {
    if (error instanceof GitferryError) return undefined;
    throw error;
  }
}

/** Without its user info, but for the user of ssh:// (it is a part of the address) and for `*****`. A URL that cannot be read is shown only if no part of it can be a secret. */
export function shownUrl(typed: string): string {
  const parsed = readUrl(typed);
  if (parsed === undefined) return isPlain(typed) || shownSshForm(typed) !== undefined ? typed : '';
  const { url, userInfo } = parsed;
  if (userInfo === undefined || (url.scheme === 'ssh' && userInfo.password === '')) return typed;
  const masked = unmasked(typed);
  return masked.username && (masked.password || userInfo.password === '') ? typed : url.href;
}

/** The same for a list of them, one per line. */
export function shownUrls(typed: string): string {
  return typed
    .split(/\r?\n/)
    .map((line) => shownUrl(line.trim()))
    .join('\n');
}

/** A host that has a scheme or a dot, and a path: no @, no query, no : but in front of a port. */
function isPlain(typed: string): boolean {
  const [, scheme, host = '', path] = /^((?:https?|ssh|git|ftp):\/\/)?([a-z0-9.-]+)(?::\d{1,5})?(\/[^?#@:&=]*)?$/i.exec(typed) ?? [];
  if (/%40|%3a/i.test(typed)) return false;
  return path === undefined ? scheme !== undefined && host.includes('.') : scheme !== undefined || /\.[a-z]{2,}$/i.test(host);
}
