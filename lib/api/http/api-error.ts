/** Why a call is refused: thrown anywhere below a route, an answer in this process, and in GitLab's words over HTTP. */
import { z } from 'zod';
import { GitferryError } from '../../core/errors.ts';

export interface Fault {
  /** A parameter of the call. */
  readonly field: string;
  readonly why: string;
}

export interface ApiRefusal {
  /** GitLab tells parameters of the wrong form as `error`, values that cannot be saved and everything else as `message`. */
  readonly as: 'error' | 'message';
  readonly faults: readonly Fault[];
  /** What concerns no field; there are no faults then. */
  readonly message?: string;
  readonly code?: string;
  readonly hint?: string;
}

export interface RefusedAnswer {
  readonly status: number;
  readonly refusal: ApiRefusal;
  readonly headers: Readonly<Record<string, string>>;
}

/** As it goes out over HTTP; code and hint are ours. */
export const refusalSchema = z
  .object({
    message: z.union([z.string(), z.record(z.string(), z.array(z.string()))]).optional(),
    error: z.string().optional(),
    code: z.string().optional(),
    hint: z.string().optional(),
  })
  .meta({ id: 'Error' });

/** `{"error": "page is invalid"}`, `{"message": {"url": ["is blocked"]}}`, `{"message": "404 Not Found"}`. */
export function gitlabWords({ as, faults, message, code, hint }: ApiRefusal): z.output<typeof refusalSchema> {
  const ours = { ...(code === undefined ? {} : { code }), ...(hint === undefined ? {} : { hint }) };
  if (as === 'message') return { message: message ?? byField(faults), ...ours };
  return { error: message ?? faults.map(({ field, why }) => `${field} ${why}`).join(', '), ...ours };
}

function byField(faults: readonly Fault[]): Readonly<Record<string, string[]>> {
  const words = new Map<string, string[]>();
  for (const { field, why } of faults) words.set(field, [...(words.get(field) ?? []), why]);
  return Object.fromEntries(words);
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly answer: RefusedAnswer;

  constructor(status: number, refusal: Partial<ApiRefusal>, headers: RefusedAnswer['headers'] = {}) {
    super(`HTTP ${status}`);
    this.answer = { status, refusal: { as: 'message', faults: [], ...refusal }, headers };
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

/** A parameter of the wrong form. */
export function badParameter(field: string, why: string): ApiError {
  return badParameters([{ field, why }]);
}

export function badParameters(faults: readonly Fault[]): ApiError {
  return new ApiError(400, { as: 'error', faults });
}

/** A request of the wrong form, where no single parameter is to blame. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, { as: 'error', message });
}

/** A value that cannot be saved. */
export function invalidField(field: string, why: string): ApiError {
  return new ApiError(400, { faults: [{ field, why }] });
}

/** The same for what a check of the engine threw; other errors are thrown on. */
export function invalidFieldOf(field: string, thrown: unknown): ApiError {
  if (!(thrown instanceof GitferryError) || thrown.disposition !== 'park') throw thrown;
  const { code, message, hint } = thrown;
  return new ApiError(400, { faults: [{ field, why: message }], code, hint });
}

/** A failure with a code of ours. */
export function codedError(status: number, { code, message, hint }: Pick<GitferryError, 'code' | 'message' | 'hint'>): ApiError {
  return new ApiError(status, { message, code, hint });
}
