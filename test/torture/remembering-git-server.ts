/** Answers what it was asked before from memory: thousands of runs that change nothing then cost gitferry's time, not git's. */
import type { IncomingMessage } from 'node:http';
import type { Exchange, GitHttpServer } from '../support/git-http-server.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';

interface Remembered {
  readonly type: string;
  readonly body: Buffer;
}

/** Only for repositories that nobody writes to. */
export async function startRememberingGitServer(root: string): Promise<GitHttpServer> {
  const inner = await startGitHttpServer({ root });
  const answers = new Map<string, Promise<Remembered>>();
  const outer = await startGitHttpServer({
    root,
    async intercept({ request, response }: Exchange) {
      const body = await bodyOf(request);
      const version = String(request.headers['git-protocol'] ?? '');
      const key = `${request.method} ${request.url} ${version} ${body.toString('latin1')}`;
      const known = answers.get(key) ?? ask(inner.origin, request, body);
      answers.set(key, known);
      const answer = await known;
      response.writeHead(200, { 'content-type': answer.type }).end(answer.body);
      return true;
    },
  });
  return {
    ...outer,
    async close() {
      await outer.close();
      await inner.close();
    },
  };
}

async function ask(origin: string, { method = 'GET', url = '/', headers }: IncomingMessage, body: Buffer): Promise<Remembered> {
  const wanted = ['git-protocol', 'content-type', 'content-encoding', 'accept'];
  const passed = Object.fromEntries(wanted.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])));
  const answer = await fetch(`${origin}${url}`, { method, headers: passed, ...(method === 'POST' ? { body: new Uint8Array(body) } : {}) });
  return { type: answer.headers.get('content-type') ?? '', body: Buffer.from(await answer.arrayBuffer()) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
