/** Signing in with a token, and finding out on each request whose session a cookie names. */
import { randomBytes } from 'node:crypto';
import type { ApiDeps } from '../api/api-deps.ts';
import { apiLimits } from '../api/http/api-limits.ts';
import { isValid, lookUpToken } from '../api/http/authenticate.ts';
import type { AccessToken } from '../model/access-token.ts';
import type { Session } from '../model/session.ts';
import { hashToken } from '../model/token-hash.ts';
import { consoleLimits } from './console-limits.ts';

type SessionDeps = Pick<ApiDeps, 'records' | 'clock'>;
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
  const cookie = randomBytes(32).toString('base64url');
  const { tokenHash, id: tokenId } = token;
  await records.sessions.create({ sessionHash: hashToken(cookie), tokenHash, tokenId, createdAt: now, expiresAt });
  return { cookie, maxAgeSeconds: Math.ceil((expiresAt - now) / 1000), token };
}

/** undefined for a session that is unknown or over, or whose token is gone or over. */
export async function findSession(cookie: string | undefined, { records, clock }: SessionDeps): Promise<SignedIn | undefined> {
  if (cookie === undefined || !/^[A-Za-z0-9_-]{43}$/.test(cookie)) return undefined;
  const now = clock.now();
  const session = await records.sessions.find(hashToken(cookie));
  if (session === undefined || session.expiresAt <= now) return undefined;
  const token = await records.tokens.find(session.tokenHash);
  if (token === undefined || token.id !== session.tokenId || !isValid(token, now)) return undefined;
  return { session, token };
}
