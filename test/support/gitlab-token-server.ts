/** GitLab as far as access tokens know and rotate themselves: dead tokens are refused, and one that is rotated once more kills its whole family. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GitlabTokenServer {
  readonly origin: string;
  readonly calls: string[];
  /** Of the token that is alive; undefined = none. */
  alive(): string | undefined;
  expiresAt(): string | null;
  /** The token may not rotate itself. */
  mayRotate: boolean;
  /** Cuts the connection when it has rotated the token, before it says so. */
  cutsAnswer: boolean;
  revoke(): void;
  close(): void;
}

export async function startGitlabTokens(first: string, expires: string | null): Promise<GitlabTokenServer> {
  let [token, ends]: [string | undefined, string | null] = [first, expires];
  const dead = new Set<string>();
  const calls: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const json = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const given = String(request.headers['private-token']);
    const call = `${request.method} ${String(request.url).replace('/api/v4/personal_access_tokens/self', 'self')}`;
    calls.push(call);
    if (call === 'POST self/rotate' && dead.has(given)) token = undefined;
    if (given !== token) return json(401, { message: `401 Unauthorized ${given}` });
    if (call === 'GET self')
      return json(200, { id: 7, name: 'ferry', revoked: false, active: true, scopes: ['self_rotate'], expires_at: ends });
    if (call !== 'POST self/rotate') return json(404, { error: '404 Not Found' });
    if (!self.mayRotate) return json(403, { error: 'insufficient_scope', error_description: given });
    dead.add(token);
    token = `glpat-canary.${randomBytes(12).toString('base64url')}`;
    ends = (JSON.parse(body) as { expires_at?: string }).expires_at ?? null;
    if (self.cutsAnswer) return request.socket.destroy();
    return json(200, { id: 8, name: 'ferry', revoked: false, active: true, token, expires_at: ends });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: GitlabTokenServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    alive: () => token,
    expiresAt: () => ends,
    mayRotate: true,
    cutsAnswer: false,
    revoke() {
      token = undefined;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return self;
}
