/** Whether a request that changes something comes from a page of ours, by the headers that browsers set and pages cannot. */

/**
 * `Sec-Fetch-Site` where the browser sends it, else `Origin`: scheme, host and port. A request with neither is refused: browsers send one of them with
 * every form, and scripts have the API. `publicUrl` is where people reach this instance, perhaps through a proxy that ends TLS; a page at the address that
 * the request itself went to is ours, too, unless that has the public host: that is reached as `publicUrl` says, and not in the clear beside it.
 */
export function isSameOrigin({ headers, url }: Pick<Request, 'headers' | 'url'>, publicUrl: string): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = headers.get('origin');
  if (origin === null || !URL.canParse(origin)) return false;
  if (origin === publicUrl) return true;
  const host = headers.get('host');
  const asked = host === null ? '' : `${new URL(url).protocol}//${host}`;
  return URL.canParse(asked) && new URL(asked).hostname !== new URL(publicUrl).hostname && new URL(asked).origin === origin;
}
