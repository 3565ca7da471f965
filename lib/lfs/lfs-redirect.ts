/** Where redirects of LFS servers may lead. */
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { isSameHost } from '../git/transport/same-host.ts';

/** Batch requests carry credentials and stay on their host. `redirects` counts this one. Throws `redirect_refused`. */
export function batchRedirect(from: URL, location: string, redirects: number): URL {
  const to = downloadRedirect(from, location, redirects);
  if (!isSameHost(from, to)) throw refused(`${from.host} redirects batch requests to another host (${to.host})`);
  return to;
}

/** Downloads may go elsewhere, as to a content network; never from https to http. Throws `redirect_refused`. */
export function downloadRedirect(from: URL, location: string, redirects: number): URL {
  if (redirects > limits.redirects) throw refused(`more than ${limits.redirects} redirects at ${from.host}`);
  if (!URL.canParse(location, from.href)) throw refused(`${from.host} redirects to no valid address`);
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== from.protocol) throw refused(`${from.host} redirects to ${to.protocol}`);
  to.username = '';
  to.password = '';
  return to;
}

function refused(why: string): GitferryError {
  return new GitferryError('redirect_refused', { detail: `${why}.` });
}
