/** The cookies that the console sets: their names and attributes. RFC 6265bis. */
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';

export interface CookieRules {
  /** Whether people reach the console over https. */
  readonly secure: boolean;
}

/** With `__Host-` a browser takes the cookie only over https, from this host, for all paths: nobody beside us can plant one. */
function nameOf(name: string, { secure }: CookieRules): string {
  return secure ? `__Host-gitferry-${name}` : `gitferry-${name}`;
}

function attributesOf({ secure }: CookieRules) {
  // Lax, not Strict: with Strict, a link from a chat looks signed out. Forged posts are refused by their origin.
  return { path: '/', httpOnly: true, sameSite: 'Lax', secure } as const;
}

export function readCookie(context: Context, rules: CookieRules, name: 'session' | 'flash'): string | undefined {
  return getCookie(context, nameOf(name, rules));
}

export function writeCookie(context: Context, rules: CookieRules, name: 'session' | 'flash', value: string, maxAgeSeconds: number): void {
  setCookie(context, nameOf(name, rules), value, { ...attributesOf(rules), maxAge: maxAgeSeconds });
}

export function dropCookie(context: Context, rules: CookieRules, name: 'session' | 'flash'): void {
  deleteCookie(context, nameOf(name, rules), attributesOf(rules));
}
