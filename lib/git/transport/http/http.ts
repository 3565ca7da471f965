/** Smart HTTP(S), gitprotocol-http(5): discovery with redirects, POST requests with a known length or chunked, Basic and Bearer credentials. */
import { pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import type { Deadline } from '../../../core/deadline.ts';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Credential } from '../../../credentials/credential.ts';
import type { AddressGuard } from '../../../net/address-guard.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../net/http-client.ts';
import { toNetworkError } from '../../../net/network-error.ts';
import { agent } from '../../agent.ts';
import type { GitService } from '../../wire/advertisement.ts';
import type { ByteStream } from '../../wire/pkt-reader.ts';
import { isAllowed } from '../allowed-urls.ts';
import type { RepositoryUrl } from '../repository-url.ts';
import { isSignInPage } from '../sign-in-hints.ts';
import type { Conversation, GitResponse, OpenOptions, RequestOptions, Transport } from '../transport.ts';
import { type AuthorizationScheme, authorization } from './authorization.ts';
import { errorForStatus } from './http-status.ts';
import { checkedAdvertisement, mediaType } from './media-type.ts';
import { joined, readHead } from './read-head.ts';
import { spool } from './spool.ts';

export interface HttpTransportDeps {
  readonly http: HttpClient;
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
  /** Where the credential may be used; undefined = everywhere on the URL's host. */
  readonly allowedUrls?: readonly string[] | undefined;
  /** Of a credential that lives for minutes: asked before each request. */
  readonly renew?: (() => Promise<Credential>) | undefined;
}

/** Begins like git's own: some hosts tell Git clients from browsers by that. */
const userAgent = `git/2 (${agent})`;
const gzipBytes = promisify(gzip);

/** A transport for one repository. Credentials go to its host only. A user name may be missing: then it is `git` or the one that the token wants (lib/credentials/default-user-name.ts), or the password is sent as a Bearer token where the host asks for that. */
export function createHttpTransport(url: RepositoryUrl, credential: Credential | undefined, deps: HttpTransportDeps): Transport {
  return new HttpTransport(url, credential, deps);
}

class HttpTransport implements Transport {
  readonly href: string;
  readonly #credential: Credential | undefined;
  readonly #deps: HttpTransportDeps;
  /** The repository's address, behind redirects if there were any; without a slash at the end. */
  #base: URL;
  #authScheme: AuthorizationScheme = 'basic';
  #chunkingRefused = false;

  constructor(url: RepositoryUrl, credential: Credential | undefined, deps: HttpTransportDeps) {
    this.href = url.href;
    this.#credential = credential;
    this.#deps = deps;
    this.#base = new URL(url.href);
  }

  get address(): string {
    return this.#base.href;
  }

  async open(service: GitService, { protocol, assumeV2, isKnown, isFresh }: OpenOptions): Promise<Conversation> {
    if (isFresh === true) this.#deps.http.leaveConnections(this.#base);
    const versionHeader: Record<string, string> = protocol === 2 ? { 'git-protocol': 'version=2' } : {};
    const advertisement = assumeV2 === true || isKnown === true ? undefined : await this.#discover(service, versionHeader);
    return {
      advertisement,
      stateless: true,
      request: (body, options = {}) => this.#post(service, versionHeader, body, options),
      close: async () => {},
    };
  }

  async close(): Promise<void> {}

  /** GET info/refs, following redirects within the host; resolves with the advertisement's bytes. */
  async #discover(service: GitService, versionHeader: Record<string, string>): Promise<GitResponse> {
    let url = endpoint(this.#base, `info/refs?service=${service}`);
    for (let redirects = 0; ; ) {
      const response = await this.#send(
        'GET',
        url,
        { ...versionHeader, accept: '*/*', 'accept-encoding': 'gzip', pragma: 'no-cache' },
        undefined,
        limits.answerMs,
      );
      const location = response.headers['location'];
      if (isRedirect(response.status) && location !== undefined) {
        response.body.destroy();
        if (++redirects > limits.redirects)
          throw new GitferryError('redirect_refused', { detail: `${this.href}: more than ${limits.redirects} redirects.` });
        url = this.#redirected(url, location, service);
        continue;
      }
      if (response.status === 401 && this.#switchToBearer(response)) {
        response.body.destroy();
        continue;
      }
      if (response.status !== 200) throw await errorForStatus(response, this.#context());
      const answer = this.#answer(response);
      const isSmart = mediaType(response) === `application/x-${service}-advertisement`;
      const bytes = isSmart ? answer : await checkedAdvertisement(answer, this.href, service);
      this.#base = new URL(`${url.origin}${url.pathname.replace(/\/info\/refs$/, '')}`);
      return { [Symbol.asyncIterator]: () => bytes[Symbol.asyncIterator](), destroy: answer.destroy };
    }
  }

  /** Where a redirect leads, if it may be followed: the same host (or https on it) and still an info/refs address. */
  #redirected(from: URL, location: string, service: GitService): URL {
    const refused = (why: string, hint?: string): GitferryError =>
      new GitferryError('redirect_refused', { detail: `${this.href}: ${why}.`, ...(hint === undefined ? {} : { hint }) });
    let to: URL;
    try {
      to = new URL(location, from);
    } catch {
      throw refused('the redirect names no valid address');
    }
    if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refused(`the redirect leads to ${to.protocol}`);
    this.#deps.guard.checkLiteral(to.hostname);
    if (to.hostname !== from.hostname) throw refused(`the redirect leads to another host (${to.hostname})`);
    const upgrade = from.protocol === 'http:' && to.protocol === 'https:';
    if (!upgrade && to.protocol !== from.protocol) throw refused('the redirect leads from https to http');
    // From http to https: from 80 to 443, or on the same explicit port.
    if (to.port !== from.port) throw refused(`the redirect leads to another port (${to.host})`);
    if (!to.pathname.endsWith('/info/refs') || to.searchParams.get('service') !== service) {
      if (isSignInPage(to.pathname)) throw refused(`the redirect leads to a sign-in page (${to.pathname})`, signInPageHint);
      throw refused(`the redirect leads to ${to.pathname}, which is no longer a Git address`);
    }
    to.username = '';
    to.password = '';
    const { allowedUrls } = this.#deps;
    if (this.#credential !== undefined && allowedUrls !== undefined && !isAllowed(`${to.origin}${to.pathname}`, allowedUrls))
      throw new GitferryError('credential_not_allowed', { detail: `${this.href} redirects there.` });
    return to;
  }

  /** Whether to try once more with a Bearer token: the host offers that and not Basic. */
  #switchToBearer(response: HttpResponse): boolean {
    const challenge = response.headers['www-authenticate'] ?? '';
    if (this.#credential === undefined || this.#authScheme === 'bearer') return false;
    if (/\bbasic\b/i.test(challenge) || !/\bbearer\b/i.test(challenge)) return false;
    this.#authScheme = 'bearer';
    return true;
  }

  async #post(
    service: GitService,
    versionHeader: Record<string, string>,
    body: Uint8Array | ByteStream,
    options: RequestOptions,
  ): Promise<GitResponse> {
    const url = endpoint(this.#base, service);
    const headers: Record<string, string> = {
      ...versionHeader,
      'content-type': `application/x-${service}-request`,
      accept: `application/x-${service}-result`,
      'accept-encoding': options.compressedAnswer === true ? 'gzip' : 'identity',
    };
    const response =
      body instanceof Uint8Array ? await this.#postBytes(url, headers, body, options) : await this.#postStream(url, headers, body, options);
    if (response.status !== 200) throw await errorForStatus(response, this.#context());
    if (mediaType(response) !== `application/x-${service}-result`) {
      response.body.destroy();
      throw new GitferryError('not_a_git_server', { detail: `${this.href} answered with ${mediaType(response) || 'no content type'}.` });
    }
    return this.#answer(response);
  }

  async #postBytes(url: URL, headers: Record<string, string>, body: Uint8Array, options: RequestOptions): Promise<HttpResponse> {
    // Both services decompress requests in C git and JGit; git itself compresses those to upload-pack only, and so does this.
    if (body.length <= limits.gzipRequestBytes || !url.pathname.endsWith('/git-upload-pack')) {
      return this.#send('POST', url, headers, body, options.patient === true ? 0 : limits.answerMs, options);
    }
    const compressed = await gzipBytes(body, { level: 1 });
    const response = await this.#send(
      'POST',
      url,
      { ...headers, 'content-encoding': 'gzip' },
      compressed,
      options.patient === true ? 0 : limits.answerMs,
      options,
    );
    if (response.status !== 415) return response;
    response.body.destroy();
    return this.#send('POST', url, headers, body, options.patient === true ? 0 : limits.answerMs, options);
  }

  /** Short streams go with their length; long ones chunked, or by way of a file once the host has refused that. */
  async #postStream(url: URL, headers: Record<string, string>, body: ByteStream, options: RequestOptions): Promise<HttpResponse> {
    const { head, tail } = await readHead(body, limits.bufferedRequestBytes);
    if (tail === undefined) return this.#send('POST', url, headers, head, 0, options);
    if (this.#chunkingRefused) {
      const file = await spool(joined(head, tail), limits.spoolBytes);
      try {
        return await this.#send('POST', url, { ...headers, 'content-length': String(file.bytes) }, file.read(), 0, options);
      } finally {
        await file.remove();
      }
    }
    const response = await this.#send('POST', url, headers, joined(head, tail), 0, options).catch((error: unknown) => {
      // Some hosts refuse chunks by hanging up while they come, and then their answer is lost.
      if (error instanceof GitferryError && error.code === 'connection_failed') this.#chunkingRefused = true;
      throw error;
    });
    if (response.status === 411 || response.status === 501 || response.status === 400) {
      response.body.destroy();
      this.#chunkingRefused = true;
      throw new GitferryError('chunking_refused', { detail: `${this.href} answered ${response.status}.` });
    }
    return response;
  }

  async #send(
    method: 'GET' | 'POST',
    url: URL,
    headers: Record<string, string>,
    body: Uint8Array | ByteStream | undefined,
    headersMs: number,
    options: RequestOptions = {},
  ): Promise<HttpResponse> {
    const header = await this.#authorization();
    const request: HttpRequest = {
      method,
      url,
      headers: { 'user-agent': userAgent, ...headers, ...(header === undefined ? {} : { authorization: header }) },
      ...(body === undefined ? {} : { body }),
      signal: this.#deps.deadline.signal,
      headersMs,
      silenceMs: options.patient === true ? limits.relaySilenceMs : limits.answerMs,
    };
    try {
      return await this.#deps.http.request(request);
    } catch (error) {
      // An idle connection may have been closed just when it was wanted. Asking again does no harm, unlike pushing again.
      const isQuestion = method === 'GET' || (body instanceof Uint8Array && url.pathname.endsWith('/git-upload-pack'));
      if (!isQuestion || !(error instanceof GitferryError) || error.code !== 'connection_failed') throw error;
      return this.#deps.http.request(request);
    }
  }

  async #authorization(): Promise<string | undefined> {
    const credential = (await this.#deps.renew?.()) ?? this.#credential;
    return credential === undefined ? undefined : authorization(this.#authScheme, credential, this.#base.hostname);
  }

  #context(): Parameters<typeof errorForStatus>[1] {
    return { href: this.href, credential: this.#credential };
  }

  #answer(response: HttpResponse): GitResponse {
    const bytes = this.#decoded(response);
    const destroy = (): void => void response.body.destroy();
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => bytes.next(),
      async return() {
        // Not left to the generator: one that nobody has started yet would do nothing, and one that waits would go on waiting.
        destroy();
        await bytes.return(undefined);
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator, destroy };
  }

  /** The answer's bytes, decompressed, with coded errors. */
  async *#decoded(response: HttpResponse): AsyncGenerator<Uint8Array, void> {
    const encoding = response.headers['content-encoding'] ?? 'identity';
    const host = this.#base.host;
    try {
      if (encoding === 'identity') yield* response.body;
      else if (encoding === 'gzip' || encoding === 'x-gzip') yield* pipeline(response.body, createGunzip(), () => {});
      else
        throw new GitferryError('protocol_error', {
          detail: `${host} answered with the unknown content encoding ${JSON.stringify(encoding)}.`,
        });
    } catch (error) {
      throw toNetworkError(error, host, this.#deps.deadline.signal);
    } finally {
      response.body.destroy();
    }
  }
}

/** Gitea, GitLab and others do so instead of a 401 or 404. */
const signInPageHint =
  'The host shows its sign-in page instead of the repository: it is private, disabled, archived or deleted, or the account may not see it. Check user name and token, and look at the repository on the host as that account.';

function endpoint(base: URL, rest: string): URL {
  return new URL(`${base.href.replace(/\/$/, '')}/${rest}`);
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}
