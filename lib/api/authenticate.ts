/** Who calls, and whether they may. Tokens are looked up by their hash, so that the look-up takes as long for any token. */
import type { AccessToken, Role } from '../model/access-token.ts';
import { roles } from '../model/access-token.ts';
import { hashToken } from '../model/token-hash.ts';
import type { ApiDeps } from './api-deps.ts';
import { forbidden, unauthorized } from './api-error.ts';

const maxTokenCharacters = 255;

/** Refuses with 401 without a token that is known and has not expired. */
export async function authenticate(headers: Headers, { records, clock }: Pick<ApiDeps, 'records' | 'clock'>): Promise<AccessToken> {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  const token = headers.get('private-token')?.trim() || bearer;
  if (token === undefined || token.length > maxTokenCharacters) throw unauthorized();
  const found = await records.tokens.find(hashToken(token));
  if (found === undefined || !isValid(found, clock.now())) throw unauthorized();
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
