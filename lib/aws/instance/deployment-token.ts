/** The owner token that a deployment makes: it lives in Secrets Manager only, and counts as one of the table's. */
import type { Clock } from '../../core/clock.ts';
import { isEqualInConstantTime } from '../../core/constant-time.ts';
import { GitferryError } from '../../core/errors.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import { type AccessToken, deploymentTokenId } from '../../model/access-token.ts';
import type { TokenRecords } from '../../model/records.ts';
import type { SecretStore } from '../../model/secret-store.ts';
import { hashToken } from '../../model/token-hash.ts';
import { createExpiringCache } from '../expiring-cache.ts';

export interface DeploymentTokenInput {
  readonly secrets: Pick<SecretStore, 'read'>;
  /** Name or ARN of the secret, which holds `{"token":"..."}`. */
  readonly secretName: string;
  readonly clock: Clock;
}

/**
 * Tokens as before, and the deployment's: found by its hash only, as an owner of everything that never expires. A secret that is gone means that there is
 * no such token. Finding a token that the table does not know throws `secrets_unavailable` where the secret cannot be read.
 */
export function withDeploymentToken(tokens: TokenRecords, { secrets, secretName, clock }: DeploymentTokenInput): TokenRecords {
  // Of hashes, so that the value itself is not kept; '' = none.
  const cache = createExpiringCache<string>({ maxAgeMs: serviceLimits.deploymentTokenCacheMs, maxEntries: 1, clock });

  async function loadHash(): Promise<string> {
    try {
      const value = await secrets.read(secretName, { fresh: true });
      const token = typeof value === 'object' && value !== null && 'token' in value ? value.token : undefined;
      return typeof token === 'string' && token.length >= serviceLimits.deploymentTokenCharacters ? hashToken(token) : '';
    } catch (error) {
      if (error instanceof GitferryError && error.code === 'secret_missing') return '';
      throw error;
    }
  }

  return {
    ...tokens,
    async find(tokenHash) {
      const found = await tokens.find(tokenHash);
      if (found !== undefined) return found;
      if (!isEqualInConstantTime(tokenHash, await cache.get('token', { fresh: false, load: loadHash }))) return undefined;
      return { ...deploymentToken, tokenHash };
    },
  };
}

const deploymentToken: Omit<AccessToken, 'tokenHash'> = {
  id: deploymentTokenId,
  name: 'deployment',
  role: 'owner',
  projectIds: null,
  expiresAt: null,
  createdAt: 0,
};
