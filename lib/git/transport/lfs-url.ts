/** The URL of an LFS server, as people type it. */
import { GitferryError } from '../../core/errors.ts';
import { parseRepositoryUrl, type RepositoryUrl } from './repository-url.ts';

/** Checks an LFS URL that somebody typed: http or https, no user info. Throws `invalid_url`, `unsupported_scheme`, `scp_style_url`. */
export function parseLfsUrl(text: string, field: string): RepositoryUrl {
  const { url, userInfo } = parseRepositoryUrl(text, field, { needsPath: false });
  if (url.scheme === 'ssh') throw new GitferryError('unsupported_scheme', { detail: `${field}: LFS servers speak https:// or http://.` });
  if (userInfo !== undefined) throw new GitferryError('invalid_url', { detail: `${field}: it must not hold a user name or password.` });
  return url;
}
