/** How many runs talk to one host at once: numbered slots, each held under the lease of a mirror's run, so that a dead run's slot frees itself. */
import type { MirrorKey } from '../model/mirror.ts';

export interface SlotHolder {
  readonly key: MirrorKey;
  readonly leaseToken: string;
}

export interface HostSlots {
  /**
   * Takes a slot of this host, also one whose holder no longer has the lease it was taken under. Resolves with the slot's number or undefined if
   * all `limit` are in use.
   */
  take(host: string, holder: SlotHolder, limit: number): Promise<number | undefined>;
  /** Condition: the holder's. */
  free(host: string, slot: number, leaseToken: string): Promise<void>;
}
