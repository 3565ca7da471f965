/** Answers that refuse a call, in GitLab's words where GitLab has them. Thrown anywhere below a route; lib/api/http/create-api.ts sends them. */
import { z } from 'zod';
import { GitferryError } from '../../core/errors.ts';

/** GitLab has two forms: `error` for parameters of the wrong form, `message` for everything else; code and hint are ours. */
export const refusalSchema = z
  .object({
    message: z.union([z.string(), z.record(z.string(), z.array(z.string()))]).optional(),
    error: z.string().optional(),
    code: z.string().optional(),
    hint: z.string().optional(),
  })
  .meta({ id: 'Error' });

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly body: z.output<typeof refusalSchema>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: ApiError['body'], headers: Readonly<Record<string, string>> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export function unauthorized(): ApiError {
  return new ApiError(401, { message: '401 Unauthorized' });
}

/** Too many wrong tokens from one sender. */
export function tooManyGuesses(waitMs: number): ApiError {
  return new ApiError(429, { message: '429 Too Many Requests' }, { 'retry-after': String(Math.ceil(waitMs / 1000)) });
}

export function forbidden(reason?: string): ApiError {
  return new ApiError(403, { message: reason === undefined ? '403 Forbidden' : `403 Forbidden - ${reason}` });
}

export function projectNotFound(): ApiError {
  return new ApiError(404, { message: '404 Project Not Found' });
}

export function notFound(): ApiError {
  return new ApiError(404, { message: '404 Not Found' });
}

export function conflict(message: string): ApiError {
  return new ApiError(409, { message });
}

/** A parameter of the wrong form: `{"error": "page is invalid"}`. */
export function badParameter(error: string): ApiError {
  return new ApiError(400, { error });
}

/** A value that cannot be saved: `{"message": {"url": ["is blocked"]}}`. */
export function invalidField(field: string, fault: string): ApiError {
  return new ApiError(400, { message: { [field]: [fault] } });
}

/** The same for what a check of the engine threw; other errors are thrown on. */
export function invalidFieldOf(field: string, thrown: unknown): ApiError {
  if (!(thrown instanceof GitferryError) || thrown.disposition !== 'park') throw thrown;
  return new ApiError(400, { message: { [field]: [thrown.message] }, code: thrown.code, hint: thrown.hint });
}

/** A failure with a code of ours. */
export function codedError(status: number, { code, message, hint }: Pick<GitferryError, 'code' | 'message' | 'hint'>): ApiError {
  return new ApiError(status, { message, code, hint });
}
