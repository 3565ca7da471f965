/** The one error class: a code from the closed catalogue, a plain sentence, a hint. */
import type { Disposition } from './catalogue-entry.ts';
import { type ErrorCode, errorCatalogue } from './error-catalogue.ts';
import { refineHint } from './provider-messages.ts';

export interface ErrorDetails {
  /** Follows the catalogue's sentence: which host, which field, the server's own words. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** Seconds the host asked to wait (`Retry-After`). */
  readonly retryAfterSeconds?: number;
  /** Replaces the catalogue's hint where more is known. */
  readonly hint?: string;
}

export class GitferryError extends Error {
  override readonly name = 'GitferryError';
  readonly code: ErrorCode;
  /** What the message says beyond the catalogue's sentence. */
  readonly detail: string;
  readonly hint: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const entry = errorCatalogue[code];
    const message = details.detail === undefined ? entry.sentence : `${entry.sentence} ${details.detail}`;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.detail = details.detail ?? '';
    // Only what a host said is known to mean something: our own sentence is not.
    this.hint = details.hint ?? refineHint(this.detail) ?? entry.hint;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get disposition(): Disposition {
    return errorCatalogue[this.code].disposition;
  }
}

/** Any thrown value as a GitferryError; what is not one of ours becomes `internal_error`. */
export function toGitferryError(thrown: unknown): GitferryError {
  if (thrown instanceof GitferryError) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new GitferryError('internal_error', { detail, cause: thrown });
}
