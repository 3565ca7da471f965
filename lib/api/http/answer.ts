/** What a route answers, and how times are written in it. */
import { printableJson } from '../../core/printable.ts';

export interface Answer {
  readonly status: number;
  /** JSON; without it the answer has no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function created(body: unknown): Answer {
  return { status: 201, body };
}

export const noContent: Answer = { status: 204 };

/** The content type has no charset: python-gitlab compares it as a whole. Answers hold secrets at times: nobody may keep them. */
export function toResponse({ status, body, headers }: Answer): Response {
  const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  if (body === undefined) return new Response(null, { status, headers: { ...common, ...headers } });
  return new Response(printableJson(body), { status, headers: { ...common, 'content-type': 'application/json', ...headers } });
}

/** ISO 8601, UTC, with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
