/** The one error class: a code from the closed catalogue, a plain sentence, a hint. */
import type { Disposition } from './catalogue-entry.ts';
import { type ErrorCode, errorCatalogue } from './error-catalogue.ts';
import { refineHint } from './provider-messages.ts';

export interface ErrorDetails {
  /** Our own words after the catalogue's sentence: which host, which field. They never choose a hint. */
  readonly detail?: string;
  /** The peer's own words, fit to be shown. They follow `detail` in the message, and alone choose a hint. '' = it said nothing. */
  readonly words?: string;
  /** The repository's URL without user info: its host may choose a hint, its path cannot. */
  readonly href?: string;
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
  /** The part of `detail` that the peer said. */
  readonly words: string;
  readonly hint: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const entry = errorCatalogue[code];
    const { words = '', href } = details;
    const detail = withWords(details.detail, details.words);
    super(
      detail === '' ? entry.sentence : `${entry.sentence} ${detail}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.detail = detail;
    this.words = words;
    this.hint = details.hint ?? refineHint({ code, words, href }) ?? entry.hint;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get disposition(): Disposition {
    return errorCatalogue[this.code].disposition;
  }
}

function withWords(detail = '', words: string | undefined): string {
  if (words === undefined) return detail;
  if (detail === '') return words;
  const own = detail.replace(/\.$/, '');
  return words === '' ? `${own}.` : `${own}: ${words}`;
}

/** Any thrown value as a GitferryError; what is not one of ours becomes `internal_error`. */
export function toGitferryError(thrown: unknown): GitferryError {
  if (thrown instanceof GitferryError) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new GitferryError('internal_error', { detail, cause: thrown });
}
