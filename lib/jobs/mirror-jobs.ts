/** The life of an update as conditional writes on a mirror's item (ARCHITECTURE.md); lib/aws/mirrors/mirror-jobs.ts carries them out. */
import type { Mirror, MirrorKey, MirrorStatus, Waiting } from '../model/mirror.ts';
import type { NoticeKey } from '../model/notice.ts';
import type { LastError, Trigger } from '../model/run.ts';
import type { DueHost } from './hosts/hosts.ts';

export interface UpdateRequest {
  readonly trigger: Trigger;
  readonly now: number;
  /** When the run should start; `now` or later. */
  readonly startAt: number;
  /** Lets the next run's deletions pass the deletion guard. */
  readonly confirmDeletions: boolean;
  /** Un-pauses and forgets the failures in a row; otherwise a paused mirror takes no request. */
  readonly resume: boolean;
  /** Full names of all refs that it is about, few enough to be kept; without it, any may have moved. */
  readonly refs?: readonly string[] | undefined;
  /** How long after `startAt` the tick takes the message for lost; without it `serviceLimits.graceMs`. */
  readonly graceMs?: number;
}

/** What the worker leaves behind. `status` replaces these fields of the mirror. */
export interface Release {
  readonly status: Partial<MirrorStatus>;
  readonly now: number;
  /** When the schedule wants the next run; null = never (paused). */
  readonly nextDueAt: number | null;
  /** When a run that was asked for meanwhile should start. */
  readonly followUpAt: number;
  /** Set: this run is not settled but asked for once more (a retry, or no room at the host), to start at this time. */
  readonly again?: {
    readonly startAt: number;
    readonly trigger: Trigger;
    readonly confirmDeletions: boolean;
    /** It waits since then, although it was begun; without it since now. */
    readonly since?: number;
    /** It is called when the host has room or answers; should nobody call it, it comes by itself `until` then. */
    readonly waiting?: Waiting & { readonly until: number };
  };
}

/** What the tick sees in the index; a little old perhaps, so every write of the tick repeats `dueAt` as a condition. */
export interface DueMirror extends MirrorKey {
  readonly direction: 'push' | 'pull';
  readonly dueAt: number;
  readonly enabled: boolean;
  readonly paused: boolean;
  readonly queuedAt: number | null;
  /** A retry waits until then, whatever messages come. */
  readonly heldUntil: number | null;
  readonly leaseToken: string | null;
  readonly leaseBeat: number;
  /** The lease and beat that a tick saw last, and the time of that tick (EventBridge's, not a worker's). */
  readonly seen: SeenLease | null;
  /** How long the last re-sending waited, milliseconds; 0 = there was none. */
  readonly resendWaitMs: number;
}

/** A notice or delivery that the tick should have told again. */
export interface DueNotice {
  readonly outbox: NoticeKey;
  readonly dueAt: number;
}

export interface SeenLease {
  readonly leaseToken: string;
  readonly leaseBeat: number;
  /** The tick's time, EventBridge's. */
  readonly at: number;
  /** When that tick really looked, by its own clock: one that comes late must not count as a minute gone by. */
  readonly lookedAt: number;
}

/** Each is one write, atomic by itself, and none brings a deleted mirror back. Times are milliseconds since 1970. */
export interface MirrorJobs {
  /** Strongly consistent. */
  get(key: MirrorKey): Promise<Mirror | undefined>;

  /**
   * Records a request: `requestedSeq + 1`; queued since `now` and due at `startAt` + grace unless it was queued before. Resolves with the mirror as it was
   * before, or undefined if there is none, or it is disabled, or paused and not to be resumed. A message must be sent if it was neither queued nor leased.
   */
  request(key: MirrorKey, request: UpdateRequest): Promise<Mirror | undefined>;
  /** Makes a waiting request due at `startAt` if it was to start later. false if nothing waits, or a run holds the mirror. */
  expedite(key: MirrorKey, at: { readonly startAt: number; readonly now: number }): Promise<boolean>;

  /** Lets a run that waits under this entry start now, message or not. false = it waits no more, or under another one, or its run has begun. */
  call(key: MirrorKey, at: { readonly entry: string; readonly now: number }): Promise<boolean>;

  /** Takes the lease if something is requested and nobody holds it. Resolves with the mirror as it is now, or undefined. */
  acquire(key: MirrorKey, lease: { readonly token: string; readonly now: number }): Promise<Mirror | undefined>;
  /** The run has its places at the hosts and starts now: status `started`. false = the lease is lost. */
  begin(key: MirrorKey, token: string, now: number): Promise<boolean>;
  /** Adds a beat. false = the lease is lost. */
  renew(key: MirrorKey, token: string): Promise<boolean>;
  /**
   * Gives the lease back. `done` = all that was requested is done; `queued` = a request waits (one made during the run, or `again`) and a message must be
   * sent for `followUpAt` or `again.startAt`; `lost` = the lease was somebody else's, nothing was written.
   */
  release(key: MirrorKey, token: string, release: Release): Promise<'done' | 'queued' | 'lost'>;

  /** All mirrors, hosts and notices of a shard that are due by `until` (and after `after`), oldest first, read in pages. */
  due(shard: number, until: number, after?: number): AsyncIterable<DueMirror | DueHost | DueNotice>;
  /** A scheduled run becomes a request. false = the item has changed since it was read. */
  startScheduled(mirror: DueMirror, at: { readonly now: number; readonly startAt: number }): Promise<boolean>;
  /** The message of a waiting request is to be sent again; looked at again after `waitMs`. */
  noteResent(mirror: DueMirror, at: { readonly now: number; readonly waitMs: number }): Promise<boolean>;
  /** Remembers lease and beat as seen by this tick; looked at again at `dueAt`. */
  noteLease(mirror: DueMirror, at: { readonly tick: number; readonly now: number; readonly dueAt: number }): Promise<boolean>;
  /**
   * Takes the lease from a holder that has not moved since it was seen: condition token and beat. `release` as in the worker's release; the present run is always asked for again
   * or settled. Resolves with the mirror as it was, or undefined if the holder moved after all.
   */
  breakLease(mirror: DueMirror, release: (mirror: Mirror) => Release | Promise<Release>): Promise<Mirror | undefined>;
  /** Takes a disabled or paused mirror out of the index and settles its request. */
  retire(mirror: DueMirror): Promise<boolean>;

  /** Status `failed` with this error, if something is requested and no run holds the mirror; the request stays. false = there was no reason to. */
  markDead(key: MirrorKey, at: { readonly error: LastError; readonly now: number }): Promise<boolean>;
}

/** How many partitions the index of due mirrors has. */
export const dueShards = 8;
