/** Puts a token that a host has just made where it stays: the old one is dead, and this process has the only copy. */
import { setTimeout as wait } from 'node:timers/promises';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Credential } from '../credential.ts';
import type { Renewals } from '../sign-in.ts';

export interface RenewedToken {
  readonly credentialId: number;
  readonly secret: Credential;
  readonly expiresAt: number;
}

/** Of this process: what could not be stored, by the store that refused it. Tried again before anything else. */
const unstored = new WeakMap<Renewals, Map<number, RenewedToken>>();

/** Tried for some seconds. Throws `token_not_stored`: then it is kept in memory, and `unstoredToken` tries again. The record's expiry is written last. */
export async function storeRenewed(token: RenewedToken, renewals: Renewals): Promise<void> {
  const waiting = unstored.get(renewals) ?? new Map<number, RenewedToken>();
  unstored.set(renewals, waiting);
  waiting.set(token.credentialId, token);
  let last: unknown;
  for (const pauseMs of limits.storePausesMs) {
    await wait(pauseMs);
    try {
      await renewals.store(token.credentialId, token.secret);
      waiting.delete(token.credentialId);
      await renewals.noteExpiry(token.credentialId, token.expiresAt);
      return;
    } catch (error) {
      last = error;
      if (!waiting.has(token.credentialId)) return;
    }
  }
  throw new GitferryError('token_not_stored', { cause: last });
}

/** The newest token of a credential whose store did not take it. */
export async function unstoredToken(credentialId: number, renewals: Renewals): Promise<string | undefined> {
  const token = unstored.get(renewals)?.get(credentialId);
  if (token === undefined) return undefined;
  await storeRenewed(token, renewals);
  return token.secret.password;
}
