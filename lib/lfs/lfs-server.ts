/** One end's LFS server: batch requests with the right credentials, and requests to the links that it gives out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { printable } from '../core/printable.ts';
import type { LearningRedactor } from '../core/redact.ts';
import { told } from '../core/told.ts';
import { agent } from '../git/agent.ts';
import { isSameHost } from '../git/transport/same-host.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../net/http-client.ts';
import { readBody } from '../net/read-body.ts';
import { parseRetryAfter } from '../net/retry-after.ts';
import { type Action, type BatchedObject, type BatchRequest, encodeBatchRequest, lfsMediaType, parseBatchAnswer } from './batch-message.ts';
import { issuedSecrets, secretsOfObject } from './issued-secrets.ts';
import { batchRedirect, downloadRedirect } from './lfs-redirect.ts';
import { LfsSignIn, type LfsSignInOptions } from './lfs-sign-in.ts';
import { type BatchQuestion, lfsCodeFor, type Side } from './lfs-status.ts';

export interface LfsServerOptions extends LfsSignInOptions {
  readonly side: Side;
}

export interface LfsServerDeps {
  /** Behind the address guard. */
  readonly http: HttpClient;
  readonly deadline: Deadline;
  /** Learns what links and headers the server gives out. */
  readonly redactor: LearningRedactor;
}

export interface LinkRequest {
  readonly method: HttpRequest['method'];
  readonly action: Action;
  /** The batch answer said that its links need no more credentials. */
  readonly authenticated: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest['body'];
  readonly signal: AbortSignal;
}

const userAgent = `git-lfs/3 (${agent})`;
const batchPath = '/objects/batch';
const tries = 3;
const shortestPauseMs = 1_000;

export class LfsServer {
  readonly side: Side;
  readonly #options: LfsServerOptions;
  readonly #deps: LfsServerDeps;
  readonly #signIn: LfsSignIn;

  constructor(options: LfsServerOptions, deps: LfsServerDeps) {
    this.side = options.side;
    this.#options = options;
    this.#deps = deps;
    this.#signIn = new LfsSignIn(options);
  }

  get deadline(): Deadline {
    return this.#deps.deadline;
  }

  /**
   * Asks for up to a hundred objects; in smaller groups where that is too large for the host (413). One entry for each object. Waits and asks again where the
   * host wants that (429), or fails for a moment. Throws `lfs_disabled`, `lfs_access_denied`, `lfs_quota_exceeded`, `lfs_protocol_error`, and the network's codes.
   */
  async batch(request: BatchRequest): Promise<readonly BatchedObject[]> {
    const answer = await this.#batchOnce(request);
    if (answer !== 'too_large') return answer;
    const { objects } = request;
    if (objects.length < 2) throw new GitferryError('request_too_large', { detail: `${this.#name()} refuses a batch of one object.` });
    const middle = Math.ceil(objects.length / 2);
    const first = await this.batch({ ...request, objects: objects.slice(0, middle) });
    return [...first, ...(await this.batch({ ...request, objects: objects.slice(middle) }))];
  }

  async #batchOnce(request: BatchRequest): Promise<readonly BatchedObject[] | 'too_large'> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#postBatch(request);
        if (response.status === 413) {
          response.body.destroy();
          return 'too_large';
        }
        if (response.status !== 200) throw await this.errorFor(response, 'batch');
        const receivedAt = Date.now();
        const answer = parseBatchAnswer(await this.#text(response, limits.lfsBatchBytes), request, receivedAt);
        // A web page that says 200 to everything is no LFS server.
        if (answer === undefined)
          throw new GitferryError(isLfs(response) ? 'lfs_protocol_error' : 'lfs_disabled', { detail: this.#name() });
        for (const object of answer) this.#deps.redactor.learn(secretsOfObject(object));
        return answer;
      } catch (error) {
        if (attempt === tries || !(await this.pausedFor(error))) throw error;
      }
    }
  }

  /** Waits as long as a failure asks for, if another try makes sense at all. */
  async pausedFor(error: unknown): Promise<boolean> {
    const { signal } = this.#deps.deadline;
    if (!(error instanceof GitferryError) || signal.aborted) return false;
    if (!['rate_limited', 'server_error', 'connection_failed', 'timed_out'].includes(error.code)) return false;
    const pauseMs = error.retryAfterSeconds === undefined ? shortestPauseMs : error.retryAfterSeconds * 1000;
    if (pauseMs > Math.min(limits.lfsPauseMs, this.#deps.deadline.remainingMs())) return false;
    await sleep(pauseMs, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
    return true;
  }

  async #postBatch(request: BatchRequest): Promise<HttpResponse> {
    const body = encodeBatchRequest(request);
    const place = await this.#signIn.place(request.operation);
    this.#deps.redactor.learn(issuedSecrets({ href: place.base, header: place.header }));
    let url = new URL(`${place.base.href.replace(/\/$/, '')}${batchPath}`);
    for (let redirects = 0; ; ) {
      const headers = { 'content-type': lfsMediaType, accept: lfsMediaType, ...place.header, ...this.#signIn.header(url, place.header) };
      const response = await this.#send({
        method: 'POST',
        url,
        headers,
        body,
        signal: this.#deps.deadline.signal,
        headersMs: limits.answerMs,
      });
      const location = response.headers['location'];
      if (response.status >= 301 && response.status <= 308 && location !== undefined) {
        response.body.destroy();
        url = batchRedirect(url, location, ++redirects);
        // With all that was meant for the host before: a redirect stays there.
        if (url.pathname.endsWith(batchPath) && url.search === '') this.#signIn.moved(place, new URL(url.href.slice(0, -batchPath.length)));
        continue;
      }
      const challenge = `${response.headers['lfs-authenticate'] ?? ''} ${response.headers['www-authenticate'] ?? ''}`;
      if (response.status === 401 && this.#signIn.switchesToBearer(challenge)) {
        response.body.destroy();
        continue;
      }
      return response;
    }
  }

  /** One request to a link; the answer's status is the caller's to judge. Credentials of ours go along only on our own host, and only if the link brings none. */
  async request({ method, action, authenticated, headers, body, signal }: LinkRequest): Promise<HttpResponse> {
    const own = authenticated ? {} : this.#signIn.header(action.href, action.header);
    let url = action.href;
    let all: Readonly<Record<string, string>> = { ...own, ...headers, ...action.header };
    for (let redirects = 0; ; ) {
      // While a body goes out there is no answer to wait for: the caller's signal watches.
      const headersMs = body === undefined ? limits.answerMs : 0;
      const response = await this.#send({ method, url, headers: all, signal, headersMs, ...(body === undefined ? {} : { body }) });
      const location = response.headers['location'];
      if (method !== 'GET' || response.status < 301 || response.status > 308 || location === undefined) return response;
      response.body.destroy();
      const to = downloadRedirect(url, location, ++redirects);
      this.#deps.redactor.learn(issuedSecrets({ href: to, header: {} }));
      // Whatever the link brought was meant for its host.
      if (!isSameHost(url, to)) all = { ...headers };
      url = to;
    }
  }

  async #send(request: Omit<HttpRequest, 'silenceMs'>): Promise<HttpResponse> {
    const headers = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...request.headers };
    return this.#deps.http.request({ ...request, headers, silenceMs: limits.lfsSilenceMs });
  }

  /** What an answer means that is no success, with the host's own words; ends the body. */
  async errorFor(response: HttpResponse, question: BatchQuestion): Promise<GitferryError> {
    const retryAfterSeconds = parseRetryAfter(response.headers['retry-after']);
    const words = await this.#words(response);
    return new GitferryError(lfsCodeFor(response.status, question, this.side), {
      detail: `${this.#name()} answered ${response.status}`,
      words,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }

  /** What the host said beside one object. */
  objectError({ status, words }: { readonly status: number; readonly words: string }): GitferryError {
    const said = this.#told(printable(words).trim());
    return new GitferryError(lfsCodeFor(status, 'object', this.side), {
      detail: `${this.#name()}: ${status}`,
      words: said,
    });
  }

  /** For messages: links are never named, their signatures are credentials. */
  #name(): string {
    const { side, url, lfsUrl } = this.#options;
    return `The ${side}'s LFS server (${lfsUrl?.host ?? url.host})`;
  }

  protocolError(why: string): GitferryError {
    return new GitferryError('lfs_protocol_error', { detail: `${this.#name()}: ${why}.` });
  }

  async #words(response: HttpResponse): Promise<string> {
    const type = response.headers['content-type'] ?? '';
    if (!/^(text\/plain|application\/([a-z.-]+\+)?json)/i.test(type)) {
      response.body.destroy();
      return '';
    }
    const text = await this.#text(response, limits.errorBodyBytes).catch(() => '');
    let words = text;
    try {
      const { message } = JSON.parse(text) as { message?: unknown };
      if (typeof message === 'string') words = message;
    } catch {
      // Then as it is.
    }
    return this.#told(printable(words).replace(/\s+/g, ' ').trim());
  }

  /** At once, because of these there may be a million. */
  #told(words: string): string {
    return told(words, this.#deps.redactor, limits.lfsToldCharacters);
  }

  async #text(response: HttpResponse, maxBytes: number): Promise<string> {
    const { host } = this.#options.url;
    const tooLarge = (): GitferryError => this.protocolError(`its answer is longer than ${maxBytes} bytes`);
    return (await readBody(response, { mostBytes: maxBytes, tooLarge, host, signal: this.#deps.deadline.signal })).toString('utf8');
  }
}

function isLfs(response: HttpResponse): boolean {
  return /^application\/([a-z.-]+\+)?json/i.test(response.headers['content-type'] ?? '');
}
