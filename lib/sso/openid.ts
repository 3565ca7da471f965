/** OpenID Connect as gitferry speaks it (Core 1.0, code flow with PKCE): the only place that knows openid-client, which is loaded by the first sign-in. */
import type { Configuration } from 'openid-client';
import type { Clock } from '../core/clock.ts';
import type { HttpClient } from '../net/http-client.ts';
import { createGuardedFetch } from './guarded-fetch.ts';
import { openIdFailure } from './openid-failure.ts';
import { isThisMachine, type Provider } from './provider-settings.ts';
import { ssoLimits } from './sso-limits.ts';

/** What the browser that began a sign-in keeps until it comes back: whoever has another one cannot end it. */
export interface FlowSecrets {
  readonly state: string;
  readonly nonce: string;
  /** PKCE's code verifier, RFC 7636. */
  readonly verifier: string;
}

export type Claims = Readonly<Record<string, unknown>>;

export interface ProvenIdentity {
  /** Of the ID token, whose signature, issuer, audience, times and nonce are checked. */
  readonly idClaims: Claims & { readonly sub: string; readonly exp: number };
  /** Of the userinfo endpoint, for the same subject; empty where the provider has none. */
  userInfo(): Promise<Claims>;
  /** undefined = it offers none. */
  readonly signOutUrl: string | undefined;
}

export interface OpenId {
  /** Where to send the browser. Throws a SignInError. */
  begin(provider: Provider, redirectUri: string): Promise<{ readonly url: string; readonly secrets: FlowSecrets }>;
  /** `answer` is the redirect URI with the query that the browser came back with. Throws a SignInError. */
  finish(provider: Provider, answer: URL, secrets: FlowSecrets, afterSignOut: string): Promise<ProvenIdentity>;
}

const load = () => import('openid-client');

export function createOpenId({ http, clock }: { readonly http: HttpClient; readonly clock: Clock }): OpenId {
  const guardedFetch = createGuardedFetch(http);
  /** By settings: other settings are another client. A cache for the life of the process. */
  const known = new Map<string, { readonly at: number; readonly configuration: Promise<Configuration> }>();

  async function discover(provider: Provider): Promise<Configuration> {
    const client = await load();
    const { issuer, client_id: id, client_secret: secret, client_auth: way } = provider;
    const authentication =
      secret === undefined ? client.None() : way === 'post' ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret);
    // The library reads the machine's clock.
    const skew = { [client.clockSkew]: Math.round((clock.now() - Date.now()) / 1000), [client.clockTolerance]: ssoLimits.skewSeconds };
    // Without this, TLS alone would vouch for an ID token: its signature would not be looked at.
    const execute = [client.enableNonRepudiationChecks, ...(isHere(issuer) ? [client.allowInsecureRequests] : [])];
    const options = { execute, [client.customFetch]: guardedFetch, timeout: ssoLimits.requestMs / 1000 };
    return client.discovery(new URL(issuer), id, skew, authentication, options);
  }

  async function configurationOf(provider: Provider): Promise<Configuration> {
    const key = JSON.stringify([provider.issuer, provider.client_id, provider.client_secret, provider.client_auth]);
    const age = clock.now() - (known.get(key)?.at ?? Number.NaN);
    const found = age >= 0 && age < ssoLimits.metadataMs ? known.get(key) : undefined;
    const entry = found ?? { at: clock.now(), configuration: discover(provider) };
    // Settings that were changed are not kept for ever.
    if (known.size > 2 * ssoLimits.providers) known.clear();
    known.set(key, entry);
    try {
      return await entry.configuration;
    } catch (error) {
      if (known.get(key) === entry) known.delete(key);
      throw openIdFailure(error, provider, 'discovery');
    }
  }

  return {
    async begin(provider, redirectUri) {
      const configuration = await configurationOf(provider);
      const client = await load();
      const secrets = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() };
      try {
        const url = client.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: provider.scope,
          state: secrets.state,
          nonce: secrets.nonce,
          code_challenge: await client.calculatePKCECodeChallenge(secrets.verifier),
          code_challenge_method: 'S256',
        });
        if (!isForBrowsers(url)) throw new Error('a page that is no https:// URL');
        return { url: url.href, secrets };
      } catch (error) {
        throw openIdFailure(error, provider, 'discovery');
      }
    },

    async finish(provider, answer, { state, nonce, verifier }, afterSignOut) {
      const configuration = await configurationOf(provider);
      const client = await load();
      try {
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
        const tokens = await client.authorizationCodeGrant(configuration, answer, checks);
        const idClaims = tokens.claims();
        if (idClaims === undefined) throw new Error('no ID token');
        const hasUserInfo = configuration.serverMetadata().userinfo_endpoint !== undefined;
        return {
          idClaims,
          async userInfo() {
            if (!hasUserInfo) return {};
            return client.fetchUserInfo(configuration, tokens.access_token, idClaims.sub).catch((error: unknown) => {
              throw openIdFailure(error, provider, 'userinfo');
            });
          },
          signOutUrl: signOutUrl(client, configuration, afterSignOut),
        };
      } catch (error) {
        throw openIdFailure(error, provider, 'tokens');
      }
    },
  };
}

/** Without an ID token as hint: it would stand in the URL. The provider knows the client, and asks the person where it wants to. */
function signOutUrl(client: Awaited<ReturnType<typeof load>>, configuration: Configuration, afterSignOut: string): string | undefined {
  const { end_session_endpoint: page } = configuration.serverMetadata();
  if (typeof page !== 'string' || !URL.canParse(page) || !isForBrowsers(new URL(page))) return undefined;
  const { href } = client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: afterSignOut });
  return href.length <= 2 * ssoLimits.urlCharacters ? href : undefined;
}

function isForBrowsers({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname));
}

function isHere(issuer: string): boolean {
  return new URL(issuer).protocol === 'http:';
}
