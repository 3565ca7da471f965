/** A real identity provider (oidc-provider) on this machine: its people and their groups, what it may get wrong on purpose, and a browser's way through it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import type { Browser } from './console.ts';

export interface Account {
  readonly groups?: unknown;
  readonly [claim: string]: unknown;
}

interface TokenAnswer {
  id_token: string;
  [field: string]: unknown;
}

export interface IdentityProvider {
  readonly issuer: string;
  readonly clientSecret: string;
  /** By the name that somebody signs in with; whoever is not here is nobody's member. */
  readonly accounts: Map<string, Account>;
  /** What it was asked: method and URL. */
  readonly requests: string[];
  /** All ID tokens and access tokens that it gave out. */
  readonly given: string[];
  /** Replaces what the token endpoint answers. */
  tamper: ((answer: TokenAnswer) => unknown) | undefined;
  /** Answers instead of the provider; true = done. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** For `providers` of the settings, with more or other fields. */
  settings(more?: object): object;
  /** Follows a sign-in from `path` of the console through the provider; resolves with the path that leads back to the console. */
  signIn(browser: Browser, login: string, path?: string): Promise<string>;
  close(): Promise<void>;
}

export interface ProviderOptions {
  /** Where the console is. */
  readonly site: string;
  /** Ids that the console's settings give it. */
  readonly ids?: readonly string[];
  readonly idTokenSeconds?: number;
  /** Claims go where the standard says: into the userinfo endpoint's answer, not into the ID token. */
  readonly conform?: boolean;
  readonly configuration?: Readonly<Record<string, unknown>>;
}

const clientSecret = 'canary-client-secret-5f0c/+"81';

export async function startIdentityProvider(options: ProviderOptions): Promise<IdentityProvider> {
  const { site, ids = ['company'] } = options;
  let answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(503).end();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (identity.intercept?.(request, response) !== true) answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accounts = new Map<string, Account>();
  const given: string[] = [];

  const provider = new Provider(issuer, configurationOf(options, accounts, site, ids));
  provider.use(async (context, next) => {
    await next();
    if (context.oidc?.route !== 'token' || typeof context.body !== 'object') return;
    const tokens = context.body as TokenAnswer;
    for (const token of [tokens.id_token, tokens['access_token']]) if (typeof token === 'string') given.push(token);
    if (identity.tamper !== undefined) context.body = identity.tamper(tokens);
  });
  answer = provider.callback();

  const identity: IdentityProvider = {
    issuer,
    clientSecret,
    accounts,
    requests,
    given,
    tamper: undefined,
    intercept: undefined,
    settings: (more = {}) => ({
      id: 'company',
      name: 'Example Company',
      issuer,
      client_id: 'gitferry',
      client_secret: clientSecret,
      scope: 'openid profile email groups',
      grants: [
        { group: 'owners', role: 'owner' },
        { group: 'maintainers', role: 'maintainer' },
        { group: 'readers', role: 'reporter' },
      ],
      ...more,
    }),
    async signIn(browser, login, path = '/sign-in/sso/company') {
      const begun = await browser.get(path);
      if (begun.status !== 303 || begun.location === null) throw new Error(`${begun.status} ${begun.text.slice(0, 2000)}`);
      const end = await through(new URL(begun.location), site, login);
      return end.slice(site.length);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return identity;
}

function configurationOf(
  { idTokenSeconds = 3600, conform = false, configuration }: ProviderOptions,
  accounts: Map<string, Account>,
  site: string,
  ids: readonly string[],
) {
  return {
    clients: [
      {
        client_id: 'gitferry',
        client_secret: clientSecret,
        redirect_uris: ids.map((id) => `${site}/sign-in/sso/${id}/callback`),
        post_logout_redirect_uris: [`${site}/sign-in`],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: {
      openid: ['sub'],
      profile: ['preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups', 'hasgroups', '_claim_names', '_claim_sources'],
    },
    conformIdTokenClaims: conform,
    cookies: { keys: ['of-the-tests'] },
    ttl: { IdToken: idTokenSeconds, AccessToken: 3600, Interaction: 3600, Session: 36_000, Grant: 36_000, AuthorizationCode: 60 },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, ...accounts.get(id) }) }),
    async loadExistingGrant({ oidc: { provider, client, session } }: { readonly oidc: ProviderParts }) {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
    ...configuration,
  };
}

interface ProviderParts {
  readonly provider: Provider;
  readonly client: { readonly clientId: string };
  readonly session: { readonly accountId: string };
}

/** A browser without a memory of the provider: signs in as `login` and follows until it is sent to `site`. */
async function through(start: URL, site: string, login: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | undefined;
  for (let steps = 0; steps < 12; steps++) {
    if (url.origin === site) return url.href;
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(url, { redirect: 'manual', headers, ...(form === undefined ? {} : { method: 'POST', body: form }) });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const text = await response.text();
    const location = response.headers.get('location');
    form = undefined;
    if (location !== null) {
      url = new URL(location, url);
      continue;
    }
    const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
    if (action === undefined) throw new Error(`the provider answers ${response.status}: ${text.slice(0, 2000)}`);
    url = new URL(action, url);
    form = new URLSearchParams({ prompt: 'login', login, password: 'any' });
  }
  throw new Error('the provider leads nowhere');
}
