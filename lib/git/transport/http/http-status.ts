/** What an HTTP status other than 200 means for a Git conversation: one table. */

import type { ErrorCode } from '../../../core/error-catalogue.ts';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { printable } from '../../../core/printable.ts';
import { refusalNamed } from '../../../core/refusal-code.ts';
import type { HttpResponse } from '../../../net/http-client.ts';
import { parseRetryAfter } from '../../../net/retry-after.ts';
import { asksForOtherSignIn, percentHint } from '../sign-in-hints.ts';

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'credentials_refused',
  403: 'permission_denied',
  404: 'repository_not_found',
  408: 'timed_out',
  410: 'repository_not_found',
  411: 'chunking_refused',
  413: 'request_too_large',
  429: 'rate_limited',
};

interface Context {
  readonly href: string;
  /** What was sent. */
  readonly credential: { readonly username: string; readonly password: string } | undefined;
}

function codeFor(status: number, { credential }: Context, challenge: string): ErrorCode {
  if (status === 401 && asksForOtherSignIn(challenge)) return 'sign_in_not_supported';
  if (status === 401 && credential === undefined) return 'credentials_missing';
  if (status >= 300 && status < 400) return 'redirect_refused';
  if (status >= 500) return 'server_error';
  return codes[status] ?? 'request_refused';
}

/** The error that an answer stands for, with the host's words if it sent plain text; the body is read to a limit and ended. */
export async function errorForStatus(response: HttpResponse, context: Context): Promise<GitferryError> {
  const words = await plainWords(response);
  const retryAfterSeconds = parseRetryAfter(response.headers['retry-after']);
  const code = codeFor(response.status, context, response.headers['www-authenticate'] ?? '');
  const hint = code === 'credentials_refused' ? percentHint(context.credential) : undefined;
  return new GitferryError(code === 'permission_denied' ? (refusalNamed(words) ?? code) : code, {
    detail: `${context.href} answered ${response.status}${retryAfterSeconds === undefined ? '' : ` and asks to wait ${retryAfterSeconds} s`}`,
    words,
    href: context.href,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

async function plainWords(response: HttpResponse): Promise<string> {
  const type = response.headers['content-type'] ?? '';
  const readable = /^(text\/plain|application\/json)/i.test(type) && response.headers['content-encoding'] === undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += (chunk as Buffer).length;
      if (readable) chunks.push(chunk as Buffer);
      if (bytes >= limits.errorBodyBytes) break;
    }
  } catch {
    // The status is the answer; its words are an extra.
  }
  response.body.destroy();
  return printable(Buffer.concat(chunks).toString('utf8')).replace(/\s+/g, ' ').trim();
}
