/** Hosts as the table knows them: who is at their places, who waits for one, and whether they answer (lib/aws/hosts.ts). */
import type { MirrorKey } from '../../model/mirror.ts';
import type { HostHealth } from './host-health.ts';
import type { Guest, HostView, Slot, WaitingRun } from './host-room.ts';

/** A host that the tick should look at: runs wait there. */
export interface DueHost {
  readonly host: string;
  readonly dueAt: number;
}

/** Each is one write, conditional on what was read, but for `view`, `living` and `waiting`. Everything throws `storage_unavailable`. */
export interface Hosts {
  /** Strongly consistent, one query. */
  view(host: string): Promise<HostView>;
  /** The same without holders whose lease is gone: runs that died. */
  living(view: HostView): Promise<HostView>;
  /** Takes this place if it is as it was read. A repeat finds its own. */
  take(host: string, slot: Slot, guest: Guest & { readonly leaseToken: string; readonly now: number }): Promise<boolean>;
  /** Gives it back. */
  free(host: string, slot: number, leaseToken: string): Promise<void>;
  /** Keeps a place for a run that is called, if the place is as it was read, or (with a lease) still the caller's. */
  keep(host: string, slot: Slot, guest: Guest & { readonly until: number }, leaseToken?: string): Promise<boolean>;
  /** The health as it is from now on, and the notice that tells of it, if nobody changed it since it was read. */
  note(view: HostView, health: HostHealth, newsId?: string): Promise<boolean>;

  /** Puts a run into the list. The same run and rank again change nothing. */
  join(host: string, run: Omit<WaitingRun, 'entry'>): Promise<string>;
  leave(host: string, entry: string): Promise<void>;
  /** The first of the list, eventually consistent. */
  waiting(host: string, most: number): Promise<readonly WaitingRun[]>;

  /** The tick looks at this host by then, also without anybody's doing. */
  lookBy(host: string, at: number): Promise<void>;
  /** It looks again at `at`; null = nobody waits any more. false = somebody has changed it since it was read. */
  looked(due: DueHost, at: number | null): Promise<boolean>;
}

export function nameOfMirror({ projectId, mirror }: MirrorKey): string {
  return `${projectId}#${mirror}`;
}
