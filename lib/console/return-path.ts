/** Where a sign-in leads back to: a path of this console and nothing else. */
import { consoleLimits } from './console-limits.ts';

const home = '/';
const base = 'https://console.invalid';

/** The path with its query, or `/` for anything that could lead elsewhere or round in circles. */
export function returnPath(given: string | null | undefined): string {
  if (given === null || given === undefined || given.length > consoleLimits.returnPathCharacters) return home;
  // Browsers take `//host`, `/\host` and paths with tabs in them for other hosts.
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(given) || given.includes('\\')) return home;
  const url = URL.canParse(given, base) ? new URL(given, base) : undefined;
  if (url === undefined || url.origin !== base || /^\/(sign-|api\/|hooks\/|assets\/|\/)/.test(url.pathname)) return home;
  return `${url.pathname}${url.search}`;
}

/** The page that a request was sent from, as its browser tells; undefined if it tells none of ours. */
export function pageOf(request: Request): string | undefined {
  const told = request.headers.get('hx-current-url') ?? request.headers.get('referer');
  if (told === null || !URL.canParse(told)) return undefined;
  const { host, pathname, search } = new URL(told);
  return host === request.headers.get('host') ? returnPath(`${pathname}${search}`) : undefined;
}

/** `lost`: somebody sent a form without a session, so that it has to be filled in again. */
export function signInPath(back: string, { lost = false }: { readonly lost?: boolean } = {}): string {
  const query = new URLSearchParams({ ...(back === home ? {} : { return: back }), ...(lost ? { lost: 'form' } : {}) });
  return query.size === 0 ? '/sign-in' : `/sign-in?${query}`;
}

/** Where the sign-in at an identity provider begins. */
export function singleSignOnPath(provider: string, back: string): string {
  const query = back === home ? '' : `?${new URLSearchParams({ return: back })}`;
  return `/sign-in/sso/${encodeURIComponent(provider)}${query}`;
}
