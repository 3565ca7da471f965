/** Signing in with a token or an identity provider's word, and finding out on each request whose session a cookie names. */
import { randomBytes } from 'node:crypto';
import type { ApiDeps } from '../api/api-deps.ts';
import { apiLimits } from '../api/http/api-limits.ts';
import { isValid, lookUpToken } from '../api/http/authenticate.ts';
import type { AccessToken } from '../model/access-token.ts';
import type { Person, Session } from '../model/session.ts';
import { hashToken } from '../model/token-hash.ts';
import { consoleLimits } from './console-limits.ts';

type SessionDeps = Pick<ApiDeps, 'records' | 'clock' | 'sso'>;
type SignInDeps = Pick<ApiDeps, 'records' | 'clock' | 'guesses'>;

export interface SignedIn {
  readonly session: Session;
  /** As it is now: its role and projects may have changed, and it may have been deleted. */
  readonly token: AccessToken;
}

/**
 * The value for the cookie. `waitMs` if there is no such token, or it has expired: more than 0 = it was not even looked up, after too many wrong ones. The
 * look-up by hash takes as long for any token.
 */
export async function signIn(
  typed: string,
  headers: Headers,
  deps: SignInDeps,
): Promise<{ readonly cookie: string; readonly maxAgeSeconds: number; readonly token: AccessToken } | { readonly waitMs: number }> {
  const value = typed.trim();
  if (value === '' || value.length > apiLimits.tokenCharacters) return { waitMs: 0 };
  const token = await lookUpToken(value, headers, deps);
  if ('waitMs' in token) return token;
  const { records, clock } = deps;
  const now = clock.now();
  const expiresAt = Math.min(now + consoleLimits.sessionMs, token.expiresAt ?? Number.POSITIVE_INFINITY);
  const { cookie, sessionHash } = newCookie();
  const { tokenHash, id: tokenId } = token;
  await records.sessions.create({ sessionHash, tokenHash, tokenId, createdAt: now, expiresAt });
  return { cookie, maxAgeSeconds: Math.ceil((expiresAt - now) / 1000), token };
}

/** The same for somebody whom an identity provider vouches for until `endsAt`. */
export async function signInPerson(
  { person, endsAt }: { readonly person: Person; readonly endsAt: number },
  { records, clock }: Pick<SessionDeps, 'records' | 'clock'>,
): Promise<{ readonly cookie: string; readonly maxAgeSeconds: number }> {
  const now = clock.now();
  const expiresAt = Math.min(now + consoleLimits.sessionMs, endsAt);
  const { cookie, sessionHash } = newCookie();
  await records.sessions.create({ sessionHash, person, createdAt: now, expiresAt });
  return { cookie, maxAgeSeconds: Math.ceil((expiresAt - now) / 1000) };
}

/** A new one for each sign-in: none that somebody planted before comes to mean anything. */
function newCookie(): { readonly cookie: string; readonly sessionHash: string } {
  const cookie = randomBytes(32).toString('base64url');
  return { cookie, sessionHash: hashToken(cookie) };
}

/** undefined for a session that is unknown or over, whose token is gone or over, or whose provider or groups have no role any more. */
export async function findSession(cookie: string | undefined, { records, clock, sso }: SessionDeps): Promise<SignedIn | undefined> {
  if (cookie === undefined || !/^[A-Za-z0-9_-]{43}$/.test(cookie)) return undefined;
  const now = clock.now();
  const session = await records.sessions.find(hashToken(cookie));
  if (session === undefined || session.expiresAt <= now) return undefined;
  if (session.person !== undefined) {
    const token = await sso?.tokenOf(session);
    return token === undefined ? undefined : { session, token };
  }
  const token = await records.tokens.find(session.tokenHash);
  if (token === undefined || token.id !== session.tokenId || !isValid(token, now)) return undefined;
  return { session, token };
}
