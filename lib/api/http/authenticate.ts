/** Who calls, and whether they may. Tokens are looked up by their hash, so that the look-up takes as long for any token. */
import type { AccessToken, Role } from '../../model/access-token.ts';
import { roles } from '../../model/access-token.ts';
import { hashToken } from '../../model/token-hash.ts';
import type { ApiDeps } from '../api-deps.ts';
import { forbidden, tooManyGuesses, unauthorized } from './api-error.ts';
import { apiLimits } from './api-limits.ts';
import { senderOf } from './guess-limit.ts';

type LookUpDeps = Pick<ApiDeps, 'records' | 'clock' | 'guesses'>;

/** Refuses with 401 without a token that is known and has not expired, with 429 after too many of those. */
export async function authenticate(headers: Headers, deps: LookUpDeps): Promise<AccessToken> {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  const token = headers.get('private-token')?.trim() || bearer;
  if (token === undefined || token.length > apiLimits.tokenCharacters) throw unauthorized();
  const found = await lookUpToken(token, headers, deps);
  if ('waitMs' in found) throw found.waitMs > 0 ? tooManyGuesses(found.waitMs) : unauthorized();
  return found;
}

/** Whether the caller tries to be somebody: who sends none is refused, too, but guesses nothing. */
export function offersToken(headers: Headers): boolean {
  return headers.has('private-token') || headers.has('authorization');
}

/** The token of this value; otherwise how long its sender has to wait before it may try another, 0 = not at all. */
export async function lookUpToken(
  value: string,
  headers: Headers,
  { records, clock, guesses }: LookUpDeps,
): Promise<AccessToken | { readonly waitMs: number }> {
  const [sender, tokenHash] = [senderOf(headers), hashToken(value)];
  const waitMs = guesses.waitMs(sender, tokenHash, clock.now());
  if (waitMs > 0) return { waitMs };
  const found = await records.tokens.find(tokenHash);
  if (found === undefined) guesses.wrong(sender, tokenHash, clock.now());
  // One that has expired is no guess.
  if (found === undefined || !isValid(found, clock.now())) return { waitMs: 0 };
  guesses.right(tokenHash);
  return found;
}

export function isValid({ expiresAt }: Pick<AccessToken, 'expiresAt'>, now: number): boolean {
  return expiresAt === null || expiresAt > now;
}

export function hasRole({ role }: Pick<AccessToken, 'role'>, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}

/** An owner who is not limited to some projects. */
export function isInstanceOwner(token: Pick<AccessToken, 'role' | 'projectIds'>): boolean {
  return hasRole(token, 'owner') && token.projectIds === null;
}

export function maySee({ projectIds }: Pick<AccessToken, 'projectIds'>, projectId: number): boolean {
  return projectIds === null || projectIds.includes(projectId);
}

/** Refuses with 403 unless the token has the role everywhere. */
export function requireInstanceRole(token: AccessToken, least: Role): void {
  if (!hasRole(token, least) || token.projectIds !== null) throw forbidden();
}

export function requireRole(token: AccessToken, least: Role): void {
  if (!hasRole(token, least)) throw forbidden();
}
