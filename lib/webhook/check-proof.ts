/** Finds the hook that a delivery is for and checks its proof, with the same work whether the token exists or not. */
import { randomBytes } from 'node:crypto';
import { isEqualInConstantTime } from '../core/constant-time.ts';
import type { Hook } from '../model/hook.ts';
import { hookSecret } from '../model/hook-secret.ts';
import type { ProjectContents } from '../model/records.ts';
import type { Delivery } from './delivery.ts';
import { providerRegistry } from './provider-registry.ts';

/** Goes in the place of a secret where there is no hook; nobody knows it. */
const decoy = randomBytes(32).toString('base64url');

export type Proof =
  | { readonly kind: 'proved' | 'unsigned_ping'; readonly hook: Hook; readonly contents: ProjectContents }
  | { readonly kind: 'refused'; readonly hook: Hook | undefined };

/** `tokenHash` as parseHookToken gives it; undefined for what cannot be a token. `now` in milliseconds since 1970. */
export function checkProof(
  delivery: Delivery,
  contents: ProjectContents | undefined,
  { tokenHash, signingKey, now }: { readonly tokenHash: string | undefined; readonly signingKey: string; readonly now: number },
): Proof {
  const hook = findHook(contents?.hooks ?? [], tokenHash ?? '');
  const rules = providerRegistry[hook?.provider ?? 'github'];
  if (hook === undefined || contents === undefined) {
    rules.proves(delivery, [hookSecret(signingKey, { tokenHash: decoy, generation: 1 })], now);
    return { kind: 'refused', hook: undefined };
  }
  if (rules.proves(delivery, secretsOf(hook, signingKey, now), now)) return { kind: 'proved', hook, contents };
  if (rules.isUnsignedPing?.(delivery) === true) return { kind: 'unsigned_ping', hook, contents };
  return { kind: 'refused', hook };
}

function findHook(hooks: readonly Hook[], tokenHash: string): Hook | undefined {
  return hooks.find((hook) => isEqualInConstantTime(hook.tokenHash, tokenHash));
}

/** The present secret, and the one before it for as long as it is accepted. */
function secretsOf({ tokenHash, generation, previousUntil }: Hook, signingKey: string, now: number): readonly string[] {
  const generations = previousUntil !== null && now < previousUntil ? [generation, generation - 1] : [generation];
  return generations.map((each) => hookSecret(signingKey, { tokenHash, generation: each }));
}
