/** A message that one page leaves for the next: kept in a cookie for a minute, shown once. */
import type { Context } from 'hono';
import { consoleLimits } from './console-limits.ts';
import { type CookieRules, dropCookie, readCookie, writeCookie } from './session-cookie.ts';

export interface Flash {
  readonly kind: 'done' | 'note' | 'failed';
  readonly text: string;
  /** A time that belongs to the text, shown in the reader's zone behind it. Milliseconds since 1970. */
  readonly at?: number;
}

/** The text is cut to what a cookie holds. It is not secret and not proof of anything: it is shown as text. */
export function leaveFlash(context: Context, rules: CookieRules, { kind, text, at }: Flash): void {
  const flash: Flash = { kind, text: text.slice(0, consoleLimits.flashCharacters), ...(at === undefined ? {} : { at }) };
  const value = Buffer.from(JSON.stringify(flash)).toString('base64url');
  writeCookie(context, rules, 'flash', value, consoleLimits.flashSeconds);
}

/** Takes it: the next page does not show it again. undefined if there is none, or none of ours. */
export function takeFlash(context: Context, rules: CookieRules): Flash | undefined {
  const value = readCookie(context, rules, 'flash');
  if (value === undefined) return undefined;
  dropCookie(context, rules, 'flash');
  return parseFlash(value);
}

/** undefined for anything that is not a message of ours. */
export function parseFlash(value: string): Flash | undefined {
  try {
    const given: Readonly<Record<string, unknown>> = JSON.parse(Buffer.from(value, 'base64url').toString());
    const { kind, text, at } = given;
    if (typeof text !== 'string' || !(kind === 'done' || kind === 'note' || kind === 'failed')) return undefined;
    return { kind, text, ...(typeof at === 'number' && Math.abs(at) <= 8.64e15 ? { at } : {}) };
  } catch {
    return undefined;
  }
}
