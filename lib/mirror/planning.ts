/** What planning takes and gives: both ref lists, rules, answers; changes, stays, or what has to be known first. */
import type { ContainmentQuestion, HistoryAnswer, TagQuestion } from '../git/client/history-questions.ts';
import type { Oid } from '../git/object-id.ts';
import type { CompiledRules } from './rules.ts';

export type Direction = 'push' | 'pull';

export interface SourceRefs {
  /** Branches and tags without symbolic refs. */
  readonly values: ReadonlyMap<string, Oid>;
  /** Names that are listed with a value that no object can have. */
  readonly impossible: ReadonlySet<string>;
  /** What HEAD names, whether it exists or not. */
  readonly headBranch: string | undefined;
}

export interface TargetRefs {
  /** All refs that the target shows to a pusher; symbolic refs look like plain ones. */
  readonly values: ReadonlyMap<string, Oid>;
  /** As at the source. */
  readonly impossible: ReadonlySet<string>;
  /** What only the target's git-upload-pack can tell; undefined until somebody asked. */
  readonly details?: TargetDetails;
}

export interface TargetDetails {
  readonly headBranch: string | undefined;
  /** Names of symbolic refs; undefined if they cannot be listed (protocol v0 only). */
  readonly symbolic: ReadonlySet<string> | undefined;
  /** What the symbolic refs stand for: deleting it would leave them dangling, which git fsck takes for damage. */
  readonly named?: ReadonlySet<string>;
  /** What annotated tags name in the end. */
  readonly peeled: ReadonlyMap<string, Oid>;
}

export interface HistoryAnswers {
  readonly contained: ReadonlyMap<string, HistoryAnswer>;
  /** By tag object. */
  readonly tags: ReadonlyMap<Oid, HistoryAnswer>;
}

export interface PlanInput {
  readonly direction: Direction;
  readonly source: SourceRefs;
  readonly target: TargetRefs;
  readonly rules: CompiledRules;
  readonly answers: HistoryAnswers;
  /** Plan these refs only (a second try). */
  readonly only?: ReadonlySet<string>;
}

/** A ref to be written. `forced` stays open where no rule depended on it: see `fastForwards`. */
export interface PlannedChange {
  readonly kind: 'change';
  readonly ref: string;
  readonly old: Oid | null;
  readonly new: Oid | null;
  readonly result: 'created' | 'updated' | 'forced' | 'deleted' | 'updated_or_forced';
}

/** A ref to be left alone, and why. */
export interface PlannedStay {
  readonly kind: 'stay';
  readonly ref: string;
  readonly old: Oid | null;
  readonly new: Oid | null;
  readonly result: 'diverged' | 'kept' | 'rejected';
  readonly reason: string;
}

export interface Note {
  readonly code:
    | 'no_branch_matches'
    | 'deletions_held_back'
    | 'symbolic_refs_unknown'
    | 'lfs_not_all_seen'
    | 'push_sent_again'
    | 'target_words';
  readonly message: string;
  /** `deletions_held_back`, `symbolic_refs_unknown`: of how many refs. */
  readonly count?: number;
}

export interface Plan {
  readonly changes: readonly PlannedChange[];
  readonly stays: readonly PlannedStay[];
  readonly notes: readonly Note[];
  /** Pull: the project's default branch, if that is among the diverged ones. */
  readonly divergedDefaultBranch: string | undefined;
  /** Questions whose answers do not change what is done, only whether an update is called `updated` or `forced`. */
  readonly fastForwards: readonly ContainmentQuestion[];
  /** Refs of the target, with their values, that are only kept because another ref has the same value and its symbolic refs cannot be listed. */
  readonly ambiguous: ReadonlyMap<string, Oid>;
  /** How many refs the deletions of the last 24 hours, these included, are a part of; absent = nothing is deleted. */
  readonly deletionsOf?: number;
}

/** A value that a ref may get, and the one that it has. */
export interface Candidate {
  readonly old: Oid | null;
  readonly new: Oid;
}

/** What has to be found out before there can be a plan. */
export interface PlanNeeds {
  readonly targetDetails: boolean;
  readonly contained: readonly ContainmentQuestion[];
  readonly tags: readonly TagQuestion[];
}

/** `candidates`: whatever is left open, no ref gets another value than these. */
export type Planning = { readonly candidates: readonly Candidate[] } & (
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'needs'; readonly needs: PlanNeeds }
);
