/** A Git host's API in memory, written from the public documentation of GitHub, GitLab, Gitea, Forgejo and Gogs: what a request may hold is checked strictly. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Forge, type ForgeKind, type ForgeRequest } from './forge.ts';
import { forgeGitHubLike } from './forge-github-like.ts';
import { forgeGitLab } from './forge-gitlab.ts';

export interface ForgeServer extends AsyncDisposable {
  readonly forge: Forge;
}

export async function startForge(kind: ForgeKind): Promise<ForgeServer> {
  const forge = new Forge(kind);
  const dialect = kind === 'gitlab' ? forgeGitLab : forgeGitHubLike;
  const base = kind === 'gitlab' ? '/api/v4' : kind === 'github' ? '/api/v3' : '/api/v1';
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? '/', forge.origin);
    const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : url.pathname;
    const asked: ForgeRequest = {
      method: request.method ?? '',
      path,
      query: url.searchParams,
      body: text === '' ? undefined : JSON.parse(text),
      headers: request.headers,
    };
    forge.requests.push(asked);
    const { status, body, headers = {} } = forge.misbehave?.(asked) ?? dialect(forge, asked);
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers });
    response.end(body === undefined ? '' : isText ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  forge.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    forge,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
