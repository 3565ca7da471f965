/** What is kept of a run: its record with every ref, and the moves for the project's activity feed. */
import { limits } from '../../core/limits.ts';
import type { Redactor } from '../../core/redact.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import { Turns } from '../../core/turns.ts';
import type { LfsOutcome } from '../../mirror/lfs-outcome.ts';
import type { RunOutcome } from '../../mirror/outcome.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Activity, LfsCounts, Run, RunRef } from '../../model/run.ts';
import { deletionsAfter } from './deletion-memory.ts';
import { lfsStateAfter } from './lfs-memory.ts';
import { pushLimitAfter } from './push-limit-memory.ts';
import type { SyncedRun } from './run-sync.ts';
import { type FinishedRun, triggerOf } from './settle-run.ts';

export interface RunTimes {
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** Sorts by time; unique by the lease's token. */
export function runIdOf(startedAt: number, leaseToken: string): string {
  return `${startedAt}-${leaseToken}`;
}

export function finishedRun(
  mirror: Mirror,
  id: string,
  { startedAt, finishedAt }: RunTimes,
  { outcome, way, ordinaryDueAt }: Pick<SyncedRun, 'outcome' | 'way' | 'ordinaryDueAt'>,
): FinishedRun {
  const { error, counts, bytes, notes, lfs } = outcome;
  const lfsState = lfsStateAfter(mirror, lfs);
  const pushLimit = pushLimitAfter(mirror, outcome, finishedAt);
  const recentDeletions = deletionsAfter(mirror, outcome, finishedAt);
  const heldBack = notes.find(({ code }) => code === 'deletions_held_back');
  return {
    id,
    trigger: triggerOf(mirror),
    startedAt,
    finishedAt,
    outcome: outcome.outcome,
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
    counts,
    bytes,
    ...(way === undefined ? {} : { path: way.path, requests: way.requests }),
    ...(ordinaryDueAt === undefined ? {} : { ordinaryDueAt }),
    notes: notes.map(({ message }) => message),
    lfs: lfs === null ? null : countsOf(lfs),
    ...(lfsState === undefined ? {} : { lfsState }),
    ...(pushLimit === undefined ? {} : { pushLimit }),
    ...(recentDeletions === undefined ? {} : { recentDeletions }),
    ...(outcome.slices === undefined ? {} : { slices: outcome.slices }),
    heldBackDeletions: heldBack?.count ?? (outcome.outcome === 'failed' ? undefined : 0),
    ...(error?.retry_after_seconds === undefined ? {} : { retryAfterSeconds: error.retry_after_seconds }),
  };
}

/** For a run whose worker died: nothing is known of its refs. */
export function interruptedRun(mirror: Mirror, id: string, times: RunTimes, error: NonNullable<FinishedRun['error']>): FinishedRun {
  return {
    id,
    trigger: triggerOf(mirror),
    ...times,
    outcome: 'failed',
    error,
    counts: {},
    bytes: 0,
    notes: [],
    lfs: null,
    heldBackDeletions: undefined,
  };
}

/** The first 10,000 refs, those that were not done or moved before those that were merely kept. In short turns, because of their reasons. */
export async function runRecord(run: FinishedRun, { refs, lfs }: Pick<RunOutcome, 'refs' | 'lfs'>, redactor: Redactor): Promise<Run> {
  const {
    retryAfterSeconds: _1,
    heldBackDeletions: _2,
    lfsState: _3,
    pushLimit: _4,
    recentDeletions: _5,
    ordinaryDueAt: _6,
    ...summary
  } = run;
  const ordered =
    refs.length <= serviceLimits.runRefs
      ? refs
      : [...refs.filter(({ result }) => result !== 'kept'), ...refs.filter(({ result }) => result === 'kept')];
  const turns = new Turns(limits.turnMs);
  const kept: RunRef[] = [];
  for (const ref of ordered.slice(0, serviceLimits.runRefs)) {
    kept.push({ ...ref, reason: ref.reason === null ? null : redactor.redact(ref.reason) });
    const pause = turns.pause();
    if (pause !== undefined) await pause;
  }
  return { ...summary, refs: kept, refsTotal: refs.length, lfsFailures: lfs?.failures ?? [] };
}

function countsOf({ moved, skipped, failed, bytes }: LfsOutcome): LfsCounts {
  return { moved, skipped, failed, bytes };
}

const moves: ReadonlySet<string> = new Set(['created', 'updated', 'forced', 'deleted']);

export function movedRefs(refs: RunOutcome['refs']): RunOutcome['refs'] {
  return refs.filter(({ result }) => moves.has(result));
}

/** At most 10,000. */
export function activityOf({ id: mirrorId, direction }: Mirror, run: FinishedRun, refs: RunOutcome['refs']): readonly Activity[] {
  return movedRefs(refs)
    .slice(0, serviceLimits.runRefs)
    .map(({ ref, result, old, new: value }) => ({ at: run.finishedAt, mirrorId, direction, runId: run.id, ref, result, old, new: value }));
}
