/** One deploy key at a repository with the right that is wanted, however often it is asked for. */
import type { ByHand, DeployKey, Offered } from './host.ts';
import type { HostReply } from './host-api.ts';
import { done, notPermitted, refusal } from './offered.ts';

export interface HostKey {
  readonly id: string;
  readonly publicKey: string;
  readonly canPush: boolean;
}

export interface DeployKeyCalls {
  list(): Promise<HostReply<readonly HostKey[]>>;
  create(key: DeployKey): Promise<HostReply<unknown>>;
  remove(id: string): Promise<HostReply<unknown>>;
}

/** The right of a key cannot be changed at most hosts: it is made anew. Throws `request_refused`, also where the key is in use at another repository. */
export async function ensureDeployKey(
  calls: DeployKeyCalls,
  key: DeployKey,
  byHand: ByHand,
): Promise<Offered<'created' | 'replaced' | 'unchanged'>> {
  const found = await calls.list();
  if (found.kind !== 'ok') return notPermitted(found, byHand);
  const same = found.value.find(({ publicKey }) => keyText(publicKey) === keyText(key.publicKey));
  if (same?.canPush === key.canPush) return done('unchanged');
  if (same !== undefined) {
    const removed = await calls.remove(same.id);
    if (removed.kind === 'refused') throw refusal(removed);
    if (removed.kind === 'forbidden') return notPermitted(removed, byHand);
  }
  const made = await calls.create(key);
  if (made.kind === 'ok') return done(same === undefined ? 'created' : 'replaced');
  if (made.kind === 'refused') throw refusal(made);
  return notPermitted(made, byHand);
}

/** Without its comment. */
function keyText(publicKey: string): string {
  return publicKey.trim().split(/\s+/).slice(0, 2).join(' ');
}
