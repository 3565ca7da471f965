/** Calls to a host's API: through the guarded client, no redirects, answers read to a limit and parsed by a schema. */
import { z } from 'zod';
import { GitferryError } from '../core/errors.ts';
import { isWithinBounds } from '../core/json-bounds.ts';
import { limits } from '../core/limits.ts';
import { printable } from '../core/printable.ts';
import { createRedactor, type KnownSecret, type Redactor } from '../core/redact.ts';
import { told } from '../core/told.ts';
import type { HttpClient, HttpRequest } from '../net/http-client.ts';
import { toNetworkError } from '../net/network-error.ts';
import type { HostBudget } from './host-budget.ts';
import { hostLimits } from './host-limits.ts';

export interface HostApiDeps {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  readonly budget: HostBudget;
}

export interface HostApiAddress {
  /** Of the API, without a slash at its end: `https://api.github.com`. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What no message repeats. */
  readonly secrets: readonly KnownSecret[];
}

export interface HostCall<T> {
  readonly method: HttpRequest['method'];
  /** Begins with a slash; its parts are encoded already. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: object;
  /** What an answer of success holds. */
  readonly answer: z.ZodType<T>;
}

export type HostReply<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly headers: Readonly<Record<string, string | undefined>> }
  /** 404, 405, 410, 501: no such thing, not visible to this account, or not in this version. */
  | { readonly kind: 'missing'; readonly words: string }
  /** 403. `missing`: what the host says is needed; '' = it does not say. */
  | { readonly kind: 'forbidden'; readonly words: string; readonly missing: string }
  /** 400, 409, 422 and other refusals of what was asked. */
  | { readonly kind: 'refused'; readonly status: number; readonly words: string };

/** For calls whose answer is of no interest. */
export const anything: z.ZodType<unknown> = z.unknown();

/** A part of a path: an owner, a branch, a number. */
export function part(text: string): string {
  return encodeURIComponent(text);
}

export class HostApi {
  readonly #address: HostApiAddress;
  readonly #deps: HostApiDeps;
  readonly #redactor: Redactor;
  readonly #host: string;

  constructor(address: HostApiAddress, deps: HostApiDeps) {
    this.#address = address;
    this.#deps = deps;
    this.#redactor = createRedactor(address.secrets);
    this.#host = new URL(address.base).host;
  }

  /** Throws by code what host.ts says of every operation. */
  async call<T>(call: HostCall<T>): Promise<HostReply<T>> {
    const { status, headers, text } = await this.#send(call);
    const json = jsonOf(text);
    const words = this.#words(json, call.body);
    this.#deps.budget.learn(this.#host, status, headers, words);
    if (status >= 200 && status < 300) return { kind: 'ok', value: this.#parsed(call, { status, headers, text }), headers };
    this.#throwFailure(call, status, headers, words);
    if (json === undefined && text.length > 0 && status !== 404) throw this.#unexpected(call, status, headers);
    if (status === 403) return { kind: 'forbidden', words, missing: missingRights(headers, json) };
    if ([404, 405, 410, 501].includes(status)) return { kind: 'missing', words };
    return { kind: 'refused', status, words };
  }

  /** What it answers, whatever that is, to find out what it is. Throws `rate_limited`, `server_error` and failures of the network. */
  async look(path: string): Promise<{ readonly status: number; readonly headers: Answer['headers']; readonly json: unknown }> {
    const { status, headers, text } = await this.#send({ method: 'GET', path });
    this.#deps.budget.learn(this.#host, status, headers, '');
    if (status >= 500 && status !== 501) throw new GitferryError('server_error', { detail: `${this.#host} answered ${status}.` });
    return { status, headers, json: jsonOf(text) };
  }

  async #send({ method, path, query = {}, body }: Omit<HostCall<unknown>, 'answer'>): Promise<Answer> {
    this.#deps.budget.check(this.#host);
    const { base, headers } = this.#address;
    const url = new URL(base + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const response = await this.#deps.http.request({
      method,
      url,
      headers: {
        accept: 'application/json',
        'user-agent': 'gitferry',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
      signal: this.#deps.signal,
      headersMs: limits.answerMs,
      silenceMs: limits.answerMs,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response.body) {
        bytes += (chunk as Buffer).length;
        if (bytes > hostLimits.answerBytes)
          throw new GitferryError('host_answer_unexpected', { detail: `${this.#host} answered with more than 8 MiB.` });
        chunks.push(chunk as Buffer);
      }
    } catch (error) {
      throw toNetworkError(error, this.#host, this.#deps.signal);
    } finally {
      response.body.destroy();
    }
    return { status: response.status, headers: response.headers, text: Buffer.concat(chunks) };
  }

  #throwFailure(call: HostCall<unknown>, status: number, headers: Answer['headers'], words: string): void {
    const detail = `${this.#host} answered ${status} to ${call.method} ${call.path}`;
    if (status === 401) throw new GitferryError('credentials_refused', { detail, words });
    // 501: this version does not have the call.
    if (status >= 500 && status !== 501) throw new GitferryError('server_error', { detail, words });
    if (status < 300 || status >= 400) return;
    const moved = headers['location'] === undefined ? '' : ' The repository may have been renamed or moved.';
    throw new GitferryError('redirect_refused', { detail: `${detail}.${moved}` });
  }

  #parsed<T>(call: HostCall<T>, { status, headers, text }: Answer): T {
    const json = jsonOf(text);
    const isEmpty = text.length === 0;
    if (json === undefined && !isEmpty) throw this.#unexpected(call, status, headers);
    const result = call.answer.safeParse(json);
    if (result.success) return result.data;
    const at = result.error.issues[0]?.path.join('.') ?? '';
    throw this.#unexpected(call, status, headers, isEmpty ? 'with nothing' : `without a usable value at "${printable(at)}"`);
  }

  #unexpected({ method, path }: HostCall<unknown>, status: number, headers: Answer['headers'], how?: string): GitferryError {
    const type = printable(headers['content-type'] ?? 'no content type').slice(0, 80);
    return new GitferryError('host_answer_unexpected', {
      detail: `${this.#host} answered ${status} to ${method} ${path} ${how ?? `with ${type} that is no JSON`}.`,
    });
  }

  /** A host may repeat what it was sent: the values of the call (a webhook's secret) are removed, too. */
  #words(json: unknown, body: object | undefined): string {
    const said = wordsOf(json);
    const own = secretsIn(body).reduce((text, secret) => text.replaceAll(secret, '*****'), said);
    return told(printable(own).replace(/\s+/g, ' ').trim(), this.#redactor, hostLimits.wordsCharacters);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: Buffer;
}

function jsonOf(text: Buffer): unknown {
  if (!isWithinBounds(text, hostLimits.json)) return undefined;
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}

const failure = z.object({
  message: z.unknown().optional(),
  error: z.unknown().optional(),
  error_description: z.unknown().optional(),
  errors: z.unknown().optional(),
  scope: z.string().optional(),
});

/** GitHub: message and errors; GitLab: message (text or an object of lists), or error and error_description; Gitea: message. */
function wordsOf(json: unknown): string {
  const { success, data } = failure.safeParse(json);
  if (!success) return '';
  const texts = [data.message, data.error, data.error_description, data.errors].filter((value) => value !== undefined && value !== null);
  return texts.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
}

function missingRights(headers: Answer['headers'], json: unknown): string {
  const permissions = headers['x-accepted-github-permissions'];
  if (permissions !== undefined && permissions !== '') return `the permission ${printable(permissions)}`;
  const scopes = headers['x-accepted-oauth-scopes'];
  if (scopes !== undefined && scopes !== '') return `one of the scopes ${printable(scopes)}`;
  const { success, data } = failure.safeParse(json);
  return success && data.scope !== undefined ? `one of the scopes ${printable(data.scope)}` : '';
}

/** Values under `secret` or `token`, at any depth of what we send. */
function secretsIn(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([name, value]) =>
    typeof value === 'string' ? (/^(secret|token)$/.test(name) && value.length > 3 ? [value] : []) : secretsIn(value),
  );
}
