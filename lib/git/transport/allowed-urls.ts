/** Where a credential may be used: URLs of hosts and of folders on them (`https://github.com/acme/`), compared part by part. */

import { GitferryError } from '../../core/errors.ts';
import { parseRepositoryUrl } from './repository-url.ts';
import { defaultPorts } from './same-host.ts';

const usualPorts: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(defaultPorts).map(([scheme, port]) => [`${scheme}:`, String(port)]),
);

interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  /** Decoded; undefined = some server might read the path in another way than we do. */
  readonly segments: readonly string[] | undefined;
}

/** One such URL as it is stored, with a slash at its end. Throws `invalid_url` and what `parseRepositoryUrl` throws; no message repeats the text. */
export function parseAllowedUrl(text: string, field: string): string {
  const root = /^ssh:\/\/[^/]+\/?$/i.test(text);
  // A host alone is no SSH repository, but a place where one may sign in.
  const { url, userInfo } = parseRepositoryUrl(root ? `${text.replace(/\/$/, '')}/x` : text, field, { needsPath: false });
  if (userInfo !== undefined) throw new GitferryError('invalid_url', { detail: `${field}: it must not hold a user name or password.` });
  const href = root ? url.href.slice(0, -1) : `${url.href}/`;
  if (placeOf(href).segments === undefined)
    throw new GitferryError('invalid_url', { detail: `${field}: its path holds an empty part, or an encoded slash or dot.` });
  return href;
}

/** Whether `href` (without user info) is one of these places or below one. A place on http covers https on the same port, or on the usual one. */
export function isAllowed(href: string, allowed: readonly string[]): boolean {
  const place = placeOf(href);
  return allowed.some((prefix) => isBelow(place, placeOf(prefix)));
}

function isBelow(url: UrlParts, prefix: UrlParts): boolean {
  const isUpgrade = prefix.scheme === 'http:' && url.scheme === 'https:';
  if (url.scheme !== prefix.scheme && !isUpgrade) return false;
  if (url.host !== prefix.host) return false;
  const isUsual = isUpgrade && prefix.port === '80' && url.port === '443';
  if (url.port !== prefix.port && !isUsual) return false;
  const wanted = prefix.segments ?? [];
  if (wanted.length === 0) return true;
  const given = url.segments;
  if (given === undefined || given.length < wanted.length) return false;
  // The last part may be a repository, whose `.git` is optional.
  return wanted.every((word, at) => given[at] === word || (at === wanted.length - 1 && plain(given[at]) === plain(word)));
}

function plain(segment = ''): string {
  return segment.replace(/\.git$/, '');
}

/** `new URL` has resolved `..` and `%2e%2e` already. */
function placeOf(href: string): UrlParts {
  const { protocol, hostname, port, pathname } = new URL(href);
  return {
    scheme: protocol,
    host: hostname.toLowerCase().replace(/\.$/, ''),
    port: port === '' ? (usualPorts[protocol] ?? '') : port,
    segments: segmentsOf(pathname),
  };
}

function segmentsOf(pathname: string): readonly string[] | undefined {
  const segments: string[] = [];
  for (const encoded of pathname.replace(/^\//, '').replace(/\/$/, '').split('/')) {
    let segment: string;
    try {
      segment = decodeURIComponent(encoded);
    } catch {
      return undefined;
    }
    segments.push(segment);
  }
  if (segments.length === 1 && segments[0] === '') return [];
  const isOdd = (segment: string) => /^\.{0,2}$|[/\\]|%(?:2e|2f|5c|25)/i.test(segment);
  return segments.some(isOdd) ? undefined : segments;
}
