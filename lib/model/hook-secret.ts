/** The token in a hook's URL and the secret that its deliveries are proved with. */
import { createHmac, randomBytes } from 'node:crypto';
import { hashToken } from './token-hash.ts';

/** `<project id>.<32 random characters>`: the number finds the project's partition, so that one query answers an event. */
export function newHookToken(projectId: number): string {
  return `${projectId}.${randomBytes(24).toString('base64url')}`;
}

/** The project and the token's hash; undefined if it cannot be a token of ours. */
export function parseHookToken(token: string): { readonly projectId: number; readonly tokenHash: string } | undefined {
  const projectId = /^([1-9]\d{0,15})\.[A-Za-z0-9_-]{32}$/.exec(token)?.[1];
  if (projectId === undefined || !Number.isSafeInteger(Number(projectId))) return undefined;
  return { projectId: Number(projectId), tokenHash: hashToken(token) };
}

/**
 * Secrets are derived from the instance's signing key (in Secrets Manager) instead of being kept one by one: a fleet of hooks costs one secret, and
 * an event waits for none. 43 characters of base64url.
 */
export function hookSecret(
  signingKey: string,
  { tokenHash, generation }: { readonly tokenHash: string; readonly generation: number },
): string {
  return createHmac('sha256', Buffer.from(signingKey, 'base64url')).update(`hook:${tokenHash}:${generation}`).digest('base64url');
}
