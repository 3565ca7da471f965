/** Whether a request that changes something comes from a page of ours, by the headers that browsers set and pages cannot. */

/**
 * `Sec-Fetch-Site` where the browser sends it, else `Origin`. A request with neither is refused: browsers send one of them with every form, and scripts have
 * the API. `publicUrl` is where people reach this instance; a page at the address that the request itself went to is ours, too.
 */
export function isSameOrigin(request: Request, publicUrl: string): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = request.headers.get('origin');
  if (origin === null || !URL.canParse(origin)) return false;
  if (origin === publicUrl) return true;
  const host = request.headers.get('host');
  return host !== null && new URL(origin).host === host;
}
