/** One request to an API that hands out tokens: through the guarded client, no redirects, its answer read to a limit. */
import type { Clock } from '../core/clock.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { printable } from '../core/printable.ts';
import { createRedactor } from '../core/redact.ts';
import { told } from '../core/told.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readBody } from '../net/read-body.ts';
import { parseRetryAfter } from '../net/retry-after.ts';

export interface AskDeps {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'now'>;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What no message may repeat. */
  readonly secrets: readonly string[];
}

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** undefined = the text is no JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** The host's own words, without secrets, fit to be shown. */
  readonly words: string;
}

/** Resolves whatever the status, but for 429 (`rate_limited`) and 5xx (`server_error`). Throws failures of the network by code. */
export async function ask({ method, url, headers, body, secrets }: Question, { http, signal, clock }: AskDeps): Promise<Told> {
  const response = await http.request({
    method,
    url,
    headers: { 'user-agent': 'gitferry', ...headers },
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
    signal,
    headersMs: limits.answerMs,
    silenceMs: limits.answerMs,
  });
  const { host } = url;
  const tooLarge = (): GitferryError => new GitferryError('protocol_error', { detail: `${host} answered with more than 1 MiB.` });
  const text = (await readBody(response, { mostBytes: limits.tokenAnswerBytes, tooLarge, host, signal })).toString('utf8');
  const json = parsed(text);
  const said = typeof json?.['message'] === 'string' ? json['message'] : typeof json?.['Message'] === 'string' ? json['Message'] : '';
  const redactor = createRedactor(secrets.map((password) => ({ password })));
  const words = told(printable(said).replace(/\s+/g, ' ').trim(), redactor, limits.refReasonCharacters);
  const { status } = response;
  if (status === 429 || status >= 500) {
    const seconds = parseRetryAfter(response.headers['retry-after'], clock.now());
    throw new GitferryError(status === 429 ? 'rate_limited' : 'server_error', {
      detail: `${url.host} answered ${status} when it was asked for a token`,
      words,
      ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
    });
  }
  return { status, headers: response.headers, text, json, words };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
