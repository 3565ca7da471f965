/** GitLab's calls of a token about itself: its expiry, and its rotation ("Personal access tokens API"; project and group tokens alike). */
import { GitferryError } from '../../core/errors.ts';
import { ask, type Told } from '../ask.ts';
import type { SignInDeps } from '../sign-in.ts';
import type { TemporaryValue } from '../token-cache.ts';

export class GitlabTokens {
  readonly #base: string;
  readonly #deps: SignInDeps;

  constructor(href: string, deps: SignInDeps) {
    this.#base = `${new URL(href).origin}/api/v4/personal_access_tokens/self`;
    this.#deps = deps;
  }

  /** `refused` = GitLab does not know it (any more); `unknown` = it may not ask, or there is no such call. Milliseconds; null = never. */
  async self(token: string): Promise<'refused' | 'unknown' | { readonly expiresAt: number | null }> {
    const { status, json } = await this.#ask('GET', '', token);
    if (status === 401) return 'refused';
    const expires = json?.['expires_at'];
    if (status !== 200 || expires === undefined) return 'unknown';
    return { expiresAt: expires === null ? null : midnight(expires) };
  }

  /** The old one is dead from then on. `until` = `2027-03-01`. `refused` = it may not renew itself. Throws failures of the network: then nobody knows. */
  async rotate(token: string, until: string): Promise<'refused' | TemporaryValue<string>> {
    const { status, json } = await this.#ask('POST', '/rotate', token, JSON.stringify({ expires_at: until }));
    const { token: value, expires_at: expires } = json ?? {};
    if ((status === 200 || status === 201) && typeof value === 'string' && value !== '')
      return { value, expiresAt: midnight(expires ?? until) ?? midnight(until) ?? 0 };
    if (status >= 400) return 'refused';
    throw new GitferryError('protocol_error', { detail: `${new URL(this.#base).host} answered ${status} when a token was to be renewed.` });
  }

  #ask(method: 'GET' | 'POST', path: string, token: string, body?: string): Promise<Told> {
    const headers = {
      'private-token': token,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return ask({ method, url: new URL(this.#base + path), headers, ...(body === undefined ? {} : { body }), secrets: [token] }, this.#deps);
  }
}

/** Tokens end when their day begins, in UTC. */
function midnight(day: unknown): number | null {
  const at = typeof day === 'string' ? Date.parse(`${day.slice(0, 10)}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
