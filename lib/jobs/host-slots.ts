/** How many runs talk to one host at once: numbered slots, each held under the lease of a mirror's run, so that a dead run's slot frees itself. */
import type { MirrorKey } from '../model/mirror.ts';

export interface SlotHolder {
  readonly key: MirrorKey;
  readonly leaseToken: string;
  /** When the run was asked for, and the time now, milliseconds since 1970: who waits has their turn by age. */
  readonly since: number;
  readonly now: number;
}

/** No slot: `promised` = this mirror is next at one of them and should come again soon; `full` = by chance, later. */
export type NoSlot = 'promised' | 'full';

export interface HostSlots {
  /**
   * Takes a slot of this host, also one whose holder no longer has the lease it was taken under. Resolves with the slot's number, or why there is none
   * (lib/jobs/host-turns.ts).
   */
  take(host: string, holder: SlotHolder, limit: number): Promise<number | NoSlot>;
  /** Condition: the holder's. A slot that somebody waits for is kept for them for some seconds. */
  free(host: string, slot: number, leaseToken: string): Promise<void>;
}
