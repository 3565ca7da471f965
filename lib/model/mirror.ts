/** A mirror: its settings, what happened to it last, and the fields that the life of an update lives by (ARCHITECTURE.md). */
import type { AuthMethod } from '../credentials/registry.ts';
import type { CredentialReference, RefusedCredential } from '../credentials/shared-credential.ts';
import type { LfsState } from './lfs-state.ts';
import type { LastError, RunSummary, Trigger } from './run.ts';

/** Names a mirror for as long as it exists: push mirrors by their number, a project's one pull mirror by `pull`. */
export interface MirrorKey {
  readonly projectId: number;
  readonly mirror: number | 'pull';
}

export type LfsMode = 'auto' | 'on' | 'off';

/** What a person decides. Each of these can be changed while the mirror lives. */
export interface MirrorSettings {
  readonly enabled: boolean;
  /** Without user info; safe to keep, shown to maintainers only. */
  readonly url: string;
  readonly authMethod: AuthMethod;
  /** null = anonymous. */
  readonly credential: CredentialReference | null;
  /** In known_hosts form; at least one for ssh://. */
  readonly hostKeys: readonly string[];
  /** Of the key pair of its own, as in authorized_keys; null = it has none (a shared credential keeps its own). */
  readonly publicKey: string | null;
  readonly onlyProtectedBranches: boolean;
  readonly mirrorBranchRegex: string | null;
  /** Push only. */
  readonly keepDivergentRefs: boolean;
  /** Push: delete refs of a target with protocol v0 even where another ref has the same value. */
  readonly deleteAmbiguousRefs: boolean;
  /** Pull only. */
  readonly mirrorOverwritesDivergedBranches: boolean;
  /** `all`, `none` or an RE2. */
  readonly mirrorTags: string;
  readonly lfs: LfsMode;
  /** Where the LFS server of `url` is, without user info; null = at the usual place. */
  readonly lfsUrl: string | null;
}

export const updateStatuses = ['none', 'started', 'finished', 'to_retry', 'failed'] as const;
export type UpdateStatus = (typeof updateStatuses)[number];

/** Deletions of about an hour, for the deletion guard, which looks at 24. */
export interface RecentDeletions {
  /** Of the last of them. */
  readonly at: number;
  readonly count: number;
  /** How many matching refs the target had before. */
  readonly of: number;
}

/** How much the target takes in one push. */
export interface PushLimitState {
  readonly bytes: number;
  /** `refused`: it said no to more. `time`: a push of more did not end in the time of a run. */
  readonly reason: 'refused' | 'time';
  readonly learnedAt: number;
}

/** What happened last. Times are milliseconds since 1970. */
export interface MirrorStatus {
  readonly updateStatus: UpdateStatus;
  readonly lastUpdateStartedAt: number | null;
  /** End of any attempt. */
  readonly lastUpdateAt: number | null;
  readonly lastSuccessfulUpdateAt: number | null;
  /** Cleared by success. */
  readonly lastError: LastError | null;
  readonly lastRun: RunSummary | null;
  /** No schedule, no events: GitLab's "hard failed". */
  readonly paused: boolean;
  /** Runs in a row with outcome `failed`, and when the first of them ended. */
  readonly failedRuns: number;
  readonly failingSince: number | null;
  /** Attempts of the present run that ended with a failure worth retrying. */
  readonly attempts: number;
  /** Deletions that the deletion guard held back in the last run. */
  readonly heldBackDeletions: number;
  /** At most 25; null = none. */
  readonly recentDeletions?: readonly RecentDeletions[] | null;
  /** null = no run has looked at all LFS objects yet. */
  readonly lfsState?: LfsState | null;
  /** null = the target has not refused any push as too large. */
  readonly pushLimit?: PushLimitState | null;
  /** It was told that this mirror fails, and not yet that it recovered. */
  readonly failing?: boolean;
  /** Set where that it fails was told as a matter of its shared credential (lib/model/notice.ts). */
  readonly refusedCredential?: RefusedCredential | null;
  /** Of the last notices that this mirror made, the newest first. */
  readonly newsIds?: readonly string[] | null;
}

/** What a run that was asked for waits for, in a host's waiting list. */
export interface Waiting {
  readonly for: 'host_down' | 'room';
  readonly host: string;
  /** Its entry in the list. */
  readonly entry: string;
  /** Since when the host gives no answer, or the run finds no room, milliseconds since 1970. */
  readonly since: number;
}

/** The request and the lease. Only the conditional writes of lib/aws/mirrors/mirror-jobs.ts change these. */
export interface MirrorProgress {
  /** Counts requests; `doneSeq` is what the last settled run had seen, `startedSeq` what the present one has. */
  readonly requestedSeq: number;
  readonly doneSeq: number;
  readonly startedSeq: number;
  /** Set while a request waits: when it was made, when the run should start, what asked first. */
  readonly queuedAt: number | null;
  readonly queuedFor: number | null;
  readonly queuedTrigger: Trigger | null;
  /** Set while the request waits for a host; null = for its time, or for a worker. */
  readonly waiting: Waiting | null;
  /** When the tick looks at this mirror next; null = never (disabled or paused). */
  readonly dueAt: number | null;
  /** Set while a run holds the mirror. */
  readonly leaseToken: string | null;
  readonly leaseBeat: number;
  /** What asked for the run that holds the lease, and whether it may delete whatever it wants to. */
  readonly runTrigger: Trigger | null;
  readonly runConfirmDeletions: boolean;
  /** Names of the refs that the requests of this run were about, if each named its own: no run that was not settled came before. undefined = any. */
  readonly runRefs?: readonly string[] | undefined;
  /** When the first request that this run sees to was made. */
  readonly runRequestedAt?: number | null;
}

export interface Mirror extends MirrorKey, MirrorSettings, MirrorStatus, MirrorProgress {
  /** Unique over all mirrors, and never used again. */
  readonly id: number;
  readonly direction: 'push' | 'pull';
  readonly createdAt: number;
}
