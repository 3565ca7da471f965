/** `fetch` for an OpenID Connect library, on the guarded HTTP client: checked addresses only, no redirects, answers of bounded size and time. */
import { createDeadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import type { HttpClient, HttpResponse } from '../net/http-client.ts';
import { readBody } from '../net/read-body.ts';
import { ssoLimits } from './sso-limits.ts';

interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The library sends forms. */
  readonly body?: unknown;
}

export type GuardedFetch = (url: string, init: FetchInit) => Promise<Response>;

/** Redirects are answers, which the library refuses. Rejects by code with failures of the network, and with `protocol_error` where an answer is too large. */
export function createGuardedFetch(http: HttpClient): GuardedFetch {
  return async (href, { method, headers, body }) => {
    if (method !== 'GET' && method !== 'POST') throw new Error(`${method} is for no provider`);
    const url = new URL(href);
    const deadline = createDeadline(ssoLimits.requestMs);
    try {
      const response = await http.request({
        method,
        url,
        headers: { ...headers, 'user-agent': 'gitferry' },
        ...(body === undefined || body === null ? {} : { body: Buffer.from(String(body)) }),
        signal: deadline.signal,
        headersMs: 0,
        silenceMs: ssoLimits.requestMs,
      });
      const { host } = url;
      const tooLarge = (): GitferryError =>
        new GitferryError('protocol_error', { detail: `${host}: an answer of more than ${ssoLimits.answerBytes} bytes.` });
      const bytes = await readBody(response, { mostBytes: ssoLimits.answerBytes, tooLarge, host, signal: deadline.signal });
      return new Response(hasNoBody(response.status) ? null : bytes, { status: response.status, headers: defined(response.headers) });
    } finally {
      deadline.clear();
    }
  };
}

/** Response refuses a body there. */
function hasNoBody(status: number): boolean {
  return [204, 205, 304].includes(status);
}

function defined(headers: HttpResponse['headers']): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
}
