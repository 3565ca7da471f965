/** Where one end's batch API is asked, and what signs in there: the end's own credential, or what `git-lfs-authenticate` gave out. */
import { limits } from '../core/limits.ts';
import type { Credential } from '../credentials/credential.ts';
import { isAllowed } from '../git/transport/allowed-urls.ts';
import { type AuthorizationScheme, authorization } from '../git/transport/http/authorization.ts';
import type { RepositoryUrl } from '../git/transport/repository-url.ts';
import { isSameHost } from '../git/transport/same-host.ts';
import type { LfsOperation } from './batch-message.ts';
import { type SshAuthenticate, type SshAuthorization, usualLfsUrl } from './lfs-endpoint.ts';

export interface LfsSignInOptions {
  readonly url: RepositoryUrl;
  /** For `url`'s host only, and over HTTP only. */
  readonly credential: Credential | undefined;
  /** Where it may be used; undefined = everywhere on that host. */
  readonly allowedUrls?: readonly string[] | undefined;
  /** Of a credential that lives for minutes: asked before each batch. */
  readonly renew?: (() => Promise<Credential>) | undefined;
  /** Instead of the usual place. */
  readonly lfsUrl: RepositoryUrl | undefined;
  /** Only for ssh:// repositories. */
  readonly authenticate?: SshAuthenticate;
}

export interface LfsPlace {
  /** Before any redirect. */
  readonly usual: URL;
  readonly base: URL;
  readonly header: Readonly<Record<string, string>>;
}

export class LfsSignIn {
  readonly #options: LfsSignInOptions;
  readonly #authorized = new Map<LfsOperation, Promise<SshAuthorization | undefined>>();
  #renewed: Credential | undefined;
  #scheme: AuthorizationScheme = 'basic';
  /** Where redirects led, by the address that was asked first. */
  readonly #moved = new Map<string, URL>();

  constructor(options: LfsSignInOptions) {
    this.#options = options;
  }

  /** Throws what `authenticate` throws. */
  async place(operation: LfsOperation): Promise<LfsPlace> {
    const { url, lfsUrl } = this.#options;
    const isAskedFor = lfsUrl === undefined && url.scheme === 'ssh';
    const { href, header = {} } = (isAskedFor ? await this.#authorize(operation) : undefined) ?? {};
    if (url.scheme !== 'ssh') this.#renewed = await this.#options.renew?.();
    const usual = lfsUrl === undefined ? (href ?? usualLfsUrl(url)) : new URL(lfsUrl.href);
    return { usual, base: this.#moved.get(usual.href) ?? usual, header };
  }

  /** A redirect led from there to this base, which serves from now on. */
  moved({ usual }: LfsPlace, to: URL): void {
    this.#moved.set(usual.href, to);
  }

  /** Our credential, if `url` is on the host that it belongs to and nothing else signs in there. */
  header(url: URL, given: Readonly<Record<string, string>>): Record<string, string> {
    const { allowedUrls, url: repository } = this.#options;
    const credential = this.#renewed ?? this.#options.credential;
    if (credential === undefined || repository.scheme === 'ssh' || given['authorization'] !== undefined) return {};
    if (!isSameHost(new URL(repository.href), url)) return {};
    if (allowedUrls !== undefined && !isAllowed(`${url.origin}${url.pathname}`, allowedUrls)) return {};
    return { authorization: authorization(this.#scheme, credential, url.hostname) };
  }

  /** After a 401 with this challenge: whether another try makes sense, with the credential as a bearer token. */
  switchesToBearer(challenge: string): boolean {
    if (this.#options.credential === undefined || this.#scheme === 'bearer') return false;
    if (/\bbasic\b/i.test(challenge) || !/\bbearer\b/i.test(challenge)) return false;
    this.#scheme = 'bearer';
    return true;
  }

  /** By SSH, once for each operation as long as it lasts. */
  async #authorize(operation: LfsOperation): Promise<SshAuthorization | undefined> {
    const known = await this.#authorized.get(operation);
    const isStale = known?.expiresAt !== undefined && known.expiresAt - Date.now() < limits.lfsExpiryMarginMs;
    if (known === undefined || isStale) {
      const asked = this.#options.authenticate?.(operation) ?? Promise.resolve(undefined);
      // A failure is not remembered.
      asked.catch(() => this.#authorized.delete(operation));
      this.#authorized.set(operation, asked);
    }
    return this.#authorized.get(operation);
  }
}
