/** The names by which the service on one machine may be asked: a page whose own name was bound to its address (DNS rebinding) names another. */

/** Answers requests for another host with 421; undefined for those that are meant for this service. Ports do not count: proxies drop or change them. */
export function createHostCheck(address: string, publicUrl: string | undefined): (request: Request) => Response | undefined {
  const names = new Set([address, 'localhost', ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])]);
  // A request target may name a host of its own (`GET http://host/ HTTP/1.1`).
  const isOurs = (request: Request): boolean =>
    [request.headers.get('host'), new URL(request.url).host].every((host) => host !== null && names.has(nameIn(host)));
  return (request) => (isOurs(request) ? undefined : refusal());
}

/** Without port and the dot that may end a name; lower case. */
function nameIn(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

function refusal(): Response {
  const hint = 'This gitferry is asked by the address it listens on, localhost, or the host of GITFERRY_PUBLIC_URL.';
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify({ message: '421 Misdirected Request', hint }), { status: 421, headers });
}
