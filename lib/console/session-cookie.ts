/** The cookies that the console sets: their names and attributes. RFC 6265bis. */
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';

/** `flow-STATE`: what a sign-in at a provider needs when the browser comes back. `provider`: where its last sign-in was. */
type CookieName = 'session' | 'flash' | 'provider' | `flow-${string}`;

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

export function readCookie(context: Context, rules: CookieRules, name: CookieName): string | undefined {
  return getCookie(context, nameOf(name, rules));
}

export function writeCookie(context: Context, rules: CookieRules, name: CookieName, value: string, maxAgeSeconds: number): void {
  setCookie(context, nameOf(name, rules), value, { ...attributesOf(rules), maxAge: maxAgeSeconds });
}

export function dropCookie(context: Context, rules: CookieRules, name: CookieName): void {
  deleteCookie(context, nameOf(name, rules), attributesOf(rules));
}

/** Those whose names begin like this, without that beginning. */
export function cookiesNamed(context: Context, rules: CookieRules, beginning: 'flow-'): readonly string[] {
  const start = nameOf(beginning, rules);
  return Object.keys(getCookie(context))
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length));
}
