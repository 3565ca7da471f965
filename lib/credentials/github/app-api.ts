/** The calls by which a GitHub App gets a token for one repository ("Authenticating as a GitHub App installation"). */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { ask, type Told } from '../ask.ts';
import type { SignInDeps } from '../sign-in.ts';
import type { TemporaryValue } from '../token-cache.ts';
import { appJwt } from './app-jwt.ts';

export interface AppRepository {
  /** `https://api.github.com`, or that of an Enterprise Server. */
  readonly api: string;
  readonly owner: string;
  readonly name: string;
}

export interface Installation {
  readonly id: number;
  /** As granted; undefined = the host does not say. */
  readonly permissions: Readonly<Record<string, unknown>> | undefined;
}

export interface App {
  readonly id: string;
  sign(text: string): Promise<Buffer>;
}

/** More than this between two clocks is worth a second try by the host's. */
const clockToleranceMs = 30_000;

/** Where a repository is; undefined = it is no owner/name. */
export function appRepositoryOf(href: string): AppRepository | undefined {
  const { origin, hostname, host, pathname } = new URL(href);
  const [, owner, name, ...rest] = pathname.replace(/\/$/, '').split('/');
  if (!owner || !name || rest.length > 0) return undefined;
  const api = /^(www\.)?github\.com$/i.test(hostname)
    ? 'https://api.github.com'
    : /\.ghe\.com$/i.test(hostname)
      ? `https://api.${host}`
      : `${origin}/api/v3`;
  return { api, owner, name: name.replace(/\.git$/, '') };
}

export class AppApi {
  readonly #app: App;
  readonly #repository: AppRepository;
  readonly #deps: SignInDeps;

  constructor(app: App, repository: AppRepository, deps: SignInDeps) {
    this.#app = app;
    this.#repository = repository;
    this.#deps = deps;
  }

  /** The given one, or that of the repository's owner. Throws `app_not_installed`, `app_suspended`, `app_refused`, `clock_wrong`. */
  async installation(given: string | undefined): Promise<TemporaryValue<Installation>> {
    const { owner, name } = this.#repository;
    const paths =
      given === undefined
        ? [`/repos/${owner}/${name}/installation`, `/orgs/${owner}/installation`, `/users/${owner}/installation`]
        : [`/app/installations/${given}`];
    for (const path of paths) {
      const told = await this.#ask('GET', path);
      if (told.status === 404) continue;
      const { id, permissions, suspended_at: suspendedAt } = told.json ?? {};
      if (told.status !== 200 || typeof id !== 'number') throw this.#refusal(told);
      if (typeof suspendedAt === 'string') throw new GitferryError('app_suspended', { detail: `${owner}.` });
      const granted = typeof permissions === 'object' && permissions !== null ? { ...permissions } : undefined;
      return { value: { id, permissions: granted }, expiresAt: this.#deps.clock.now() + limits.installationMs };
    }
    // Not found may also mean that there is no such App.
    const told = await this.#ask('GET', '/app');
    throw told.status === 200 ? this.#notInstalled() : new GitferryError('app_refused', { detail: `The host answered ${told.status}.` });
  }

  /** For this repository alone. Throws also `app_permission_missing`, `rate_limited`. */
  async token(installation: Installation, permissions: Readonly<Record<string, string>>): Promise<TemporaryValue<string>> {
    const body = JSON.stringify({ repositories: [this.#repository.name], permissions });
    const told = await this.#ask('POST', `/app/installations/${installation.id}/access_tokens`, body);
    const { token, expires_at: expires } = told.json ?? {};
    const expiresAt = Date.parse(String(expires ?? ''));
    if (told.status === 201 && typeof token === 'string' && token !== '' && !Number.isNaN(expiresAt)) return { value: token, expiresAt };
    if (told.status === 404) throw this.#notInstalled();
    // Either a repository that is not among the installation's, or a permission that it was not given.
    if (told.status === 422 && installation.permissions !== undefined) throw this.#notInstalled(told.words);
    throw this.#refusal(told);
  }

  /** Once more by the host's clock where ours is the reason for a 401. */
  async #ask(method: 'GET' | 'POST', path: string, body?: string): Promise<Told> {
    const first = await this.#askAt(this.#deps.clock.now(), method, path, body);
    if (first.status !== 401) return first;
    const hostNow = Date.parse(first.headers['date'] ?? '');
    const off = Math.round((this.#deps.clock.now() - hostNow) / 1000);
    const isOff = Math.abs(off) * 1000 > clockToleranceMs;
    const told = isOff ? await this.#askAt(hostNow, method, path, body) : first;
    if (told.status !== 401) return told;
    const { host } = new URL(this.#repository.api);
    throw isOff
      ? new GitferryError('clock_wrong', {
          detail: `It is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} ${host}.`,
          words: told.words,
        })
      : new GitferryError('app_refused', { detail: `${host} answered 401`, words: told.words });
  }

  async #askAt(now: number, method: 'GET' | 'POST', path: string, body: string | undefined): Promise<Told> {
    const jwt = await appJwt(this.#app.id, Math.floor(now / 1000), (text) => this.#app.sign(text));
    const headers = {
      authorization: `Bearer ${jwt}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const url = new URL(`${this.#repository.api}${path}`);
    return ask({ method, url, headers, ...(body === undefined ? {} : { body }), secrets: [jwt] }, this.#deps);
  }

  #notInstalled(words?: string): GitferryError {
    const { owner, name } = this.#repository;
    return new GitferryError('app_not_installed', { detail: `${owner}/${name}.`, ...(words === undefined ? {} : { words }) });
  }

  #refusal({ status, headers, words }: Told): GitferryError {
    const { host } = new URL(this.#repository.api);
    const isLimit = headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0';
    if (status === 403 && isLimit) {
      const seconds = Number(headers['retry-after'] ?? Number(headers['x-ratelimit-reset']) - this.#deps.clock.now() / 1000);
      return new GitferryError('rate_limited', {
        detail: `${host}`,
        words,
        ...(seconds > 0 ? { retryAfterSeconds: Math.ceil(seconds) } : {}),
      });
    }
    const accepted = /^[\w=;, ]{1,200}$/.exec(headers['x-accepted-github-permissions'] ?? '')?.[0];
    if (status === 403 || status === 422)
      return new GitferryError('app_permission_missing', {
        detail: accepted === undefined ? `${host} answered ${status}` : `${host} answered ${status} and wants ${accepted}`,
        words,
      });
    return new GitferryError('protocol_error', { detail: `${host} answered ${status} when it was asked for a token`, words });
  }
}
