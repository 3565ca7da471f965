/** Errors as they are kept on a mirror's item: a list of a hundred long ref names must not fill it (DynamoDB: 400 KB, and every write pays for its size). */
import { serviceLimits } from '../../core/service-limits.ts';
import type { LastError } from '../../model/run.ts';

/** The message cut at the end of a line where there is one, with `…` in place of the rest. */
export function boundedError({ code, message, hint }: LastError, mostBytes: number): LastError {
  return { code, message: cut(message, mostBytes), hint: cut(hint, serviceLimits.hintBytes) };
}

function cut(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return text;
  // A character that is cut in two decodes to U+FFFD.
  const start = bytes
    .subarray(0, mostBytes)
    .toString()
    .replace(/\uFFFD$/, '');
  const lastLine = start.lastIndexOf('\n');
  return `${lastLine > mostBytes / 2 ? start.slice(0, lastLine + 1) : start}…`;
}
