/** The instance's signing key, kept in memory for minutes: no event waits for Secrets Manager. */
import type { Clock } from '../core/clock.ts';
import type { SecretStore } from '../model/secret-store.ts';
import { webhookLimits } from './webhook-limits.ts';

/** The returned function throws `secrets_unavailable` only if the key was never read: it does not change. */
export function createSigningKeyCache({
  secrets,
  clock,
}: {
  readonly secrets: Pick<SecretStore, 'signingKey'>;
  readonly clock: Clock;
}): () => Promise<string> {
  let kept: { readonly key: string; readonly readAt: number } | undefined;
  let reading: Promise<string> | undefined;
  const read = async (): Promise<string> => {
    const readAt = clock.now();
    try {
      const key = await secrets.signingKey();
      kept = { key, readAt };
      return key;
    } catch (error) {
      if (kept === undefined) throw error;
      kept = { key: kept.key, readAt };
      return kept.key;
    } finally {
      reading = undefined;
    }
  };
  return async () => {
    if (kept !== undefined && Math.abs(clock.now() - kept.readAt) <= webhookLimits.signingKeyMs) return kept.key;
    reading ??= read();
    return reading;
  };
}
