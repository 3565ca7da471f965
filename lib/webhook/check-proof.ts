/** Finds the hook that a delivery is for and checks its proof, in a time that tells nothing of either. */
import { isEqualInConstantTime } from '../core/constant-time.ts';
import type { Hook } from '../model/hook.ts';
import { hookSecret } from '../model/hook-secret.ts';
import type { Delivery } from './delivery.ts';
import { providerRegistry } from './provider-registry.ts';

/** `tokenHash` as parseHookToken gives it. */
export function findHook(hooks: readonly Hook[], tokenHash: string): Hook | undefined {
  return hooks.find((hook) => isEqualInConstantTime(hook.tokenHash, tokenHash));
}

export type Proof = 'proved' | 'unsigned_ping' | 'refused';

/** `now` in milliseconds since 1970. */
export function checkProof(
  delivery: Delivery,
  hook: Hook,
  { signingKey, now }: { readonly signingKey: string; readonly now: number },
): Proof {
  const rules = providerRegistry[hook.provider];
  if (rules.proves(delivery, secretsOf(hook, signingKey, now), now)) return 'proved';
  return rules.isUnsignedPing?.(delivery) === true ? 'unsigned_ping' : 'refused';
}

/** The present secret, and the one before it for as long as it is accepted. */
function secretsOf({ tokenHash, generation, previousUntil }: Hook, signingKey: string, now: number): readonly string[] {
  const generations = previousUntil !== null && now < previousUntil ? [generation, generation - 1] : [generation];
  return generations.map((each) => hookSecret(signingKey, { tokenHash, generation: each }));
}
