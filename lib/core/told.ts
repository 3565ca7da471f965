/** The words of strangers as they are shown: redacted first and cut then, here and nowhere else, because half a password is one that no redactor knows. */
import type { GitferryError } from './errors.ts';
import { limits } from './limits.ts';
import type { Redactor } from './redact.ts';

export interface ToldError {
  readonly code: GitferryError['code'];
  readonly message: string;
  readonly hint: string;
}

export function told(words: string, redactor: Redactor, mostCharacters: number = limits.toldCharacters): string {
  const redacted = redactor.redact(words);
  return redacted.length <= mostCharacters ? redacted : `${redacted.slice(0, mostCharacters - 1)}…`;
}

/** An error that holds such words. */
export function toldError({ code, message, hint }: Pick<GitferryError, 'code' | 'message' | 'hint'>, redactor: Redactor): ToldError {
  return { code, message: told(message, redactor), hint: told(hint, redactor) };
}
