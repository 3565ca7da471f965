/** GitHub as far as an App signs in: the calls that make installation tokens, in the form of the official description, and Git repositories that take those tokens. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type GitHttpServer, startGitHttpServer } from './git-http-server.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** As GitHub gives it out. */
export const appKey = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
export const signText = pair.privateKey;
const publicKey = createPublicKey(pair.publicKey.export({ type: 'spki', format: 'pem' }));
export const appId = 'Iv23liExample';

export interface GithubState {
  /** What the owner has given the App. */
  permissions: Record<string, string>;
  /** Names of repositories; `all` = each. */
  repositories: readonly string[] | 'all';
  isSuspended: boolean;
  /** The server's clock minus ours. */
  skewMs: number;
  livesMs: number;
  /** Git does not take them. */
  areTokensDead: boolean;
  /** Sees each API call; true = answered. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface GithubServer {
  readonly git: GitHttpServer;
  readonly state: GithubState;
  /** Paths of the API's calls, in order. */
  readonly calls: string[];
  /** Tokens that were given out, newest last, with what they are for. */
  readonly tokens: {
    token: string;
    repositories: readonly string[];
    permissions: Record<string, string>;
    isRevoked: boolean;
    expiresAt: number;
  }[];
  /** Tokens as they came with Git requests. */
  readonly used: string[];
}

const installation = 4711;

/** An Enterprise Server: repositories in `root`/OWNER/NAME, the API below /api/v3. The owner is `acme`. */
export async function startGithubServer(root: string, changes: Partial<GithubState> = {}): Promise<GithubServer> {
  const state: GithubState = {
    ...{
      permissions: { contents: 'write', metadata: 'read', workflows: 'write', issues: 'write' },
      repositories: 'all',
      isSuspended: false,
    },
    ...{ skewMs: 0, livesMs: 3_600_000, areTokensDead: false, ...changes },
  };
  const calls: string[] = [];
  const tokens: GithubServer['tokens'] = [];
  const used: string[] = [];
  const now = (): number => Date.now() + state.skewMs;
  const git = await startGitHttpServer({
    root,
    async intercept({ request, response, service }) {
      response.setHeader('date', new Date(now()).toUTCString());
      if (request.url?.startsWith('/api/v3')) {
        calls.push(`${request.method} ${request.url.slice('/api/v3'.length)}`);
        if (state.intercept?.(request, response) !== true) await answer(request, response);
        return true;
      }
      const sent = Buffer.from(String(request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
      const given = tokens.find(({ token }) => sent === `x-access-token:${token}`);
      if (given !== undefined) used.push(given.token);
      const [, , name = ''] = String(request.url).split('/');
      const wanted = service === 'git-receive-pack' ? ['write'] : ['read', 'write'];
      const isFit = given !== undefined && !given.isRevoked && given.expiresAt > now();
      if (isFit && given.repositories.includes(name) && wanted.includes(given.permissions['contents'] ?? '')) return false;
      response.writeHead(isFit ? 403 : 401, { 'www-authenticate': 'Basic realm="GitHub"' }).end();
      return true;
    },
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(body));
    };
    const problem = (status: number, message: string, headers?: Record<string, string>) =>
      json(status, { message, documentation_url: 'https://docs.github.com/rest', status: String(status) }, headers);
    const fault = faultOfJwt(String(request.headers.authorization ?? '').replace(/^Bearer /, ''), Math.floor(now() / 1000));
    if (fault !== undefined) return problem(401, fault);
    const path = String(request.url).slice('/api/v3'.length);
    if (path === '/app') return json(200, { id: 1, client_id: appId, slug: 'ferry', name: 'ferry' });
    const has = (name: string): boolean => state.repositories === 'all' || state.repositories.includes(name);
    const of = /^\/repos\/acme\/([\w.-]+)\/installation$/.exec(path)?.[1];
    if ((of !== undefined && has(of)) || path === '/orgs/acme/installation' || path === `/app/installations/${installation}`)
      return json(200, {
        ...{ id: installation, account: { login: 'acme', id: 1, type: 'Organization' }, app_id: 1, target_type: 'Organization' },
        ...{ repository_selection: state.repositories === 'all' ? 'all' : 'selected', permissions: state.permissions, events: ['push'] },
        ...{
          access_tokens_url: '',
          repositories_url: '',
          html_url: '',
          created_at: '2026-01-01T00:00:00Z',
          updated_at: '2026-01-01T00:00:00Z',
        },
        suspended_at: state.isSuspended ? '2026-11-01T00:00:00Z' : null,
      });
    if (request.method !== 'POST' || path !== `/app/installations/${installation}/access_tokens`) return problem(404, 'Not Found');
    const body = JSON.parse(await textOf(request)) as { repositories?: string[]; permissions?: Record<string, string> };
    if (state.isSuspended) return problem(403, 'This installation has been suspended');
    const { repositories = [], permissions = state.permissions } = body;
    if (!repositories.every(has))
      return problem(422, 'There is at least one repository that does not exist or is not accessible to the parent installation.');
    const order = ['none', 'read', 'write'];
    const exceeds = ([name, level]: [string, string]) => order.indexOf(level) > order.indexOf(state.permissions[name] ?? 'none');
    if (Object.entries(permissions).some(exceeds)) return problem(422, 'The permissions requested are not granted to this installation.');
    // As long as the longer ones of today, and with what is escaped in URLs.
    const token = `ghs_${Buffer.from(`${appId}/${tokens.length}`).toString('base64url')}.${'canary'.repeat(60)}-${tokens.length}`;
    const expiresAt = now() + state.livesMs;
    tokens.push({ token, repositories, permissions, isRevoked: state.areTokensDead, expiresAt });
    json(201, { token, expires_at: new Date(expiresAt).toISOString().replace(/\.\d+/, ''), permissions, repository_selection: 'selected' });
  }

  return { git, state, calls, tokens, used };
}

/** What GitHub finds wrong with it, by its own clock. */
function faultOfJwt(jwt: string, now: number): string | undefined {
  const [head = '', claims = '', signature = '', ...rest] = jwt.split('.');
  const isSigned =
    rest.length === 0 && verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'));
  if (!isSigned) return 'A JSON web token could not be decoded';
  const parsed = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
  if (parsed(head)['alg'] !== 'RS256') return 'A JSON web token could not be decoded';
  const { iss, iat, exp } = parsed(claims);
  if (iss !== appId) return 'Issuer claim (iss) is invalid';
  if (!Number.isInteger(exp) || Number(exp) > now + 600) return "'Expiration time' claim ('exp') is too far in the future";
  if (Number(exp) <= now)
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  if (!Number.isInteger(iat) || Number(iat) > now)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  return undefined;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
