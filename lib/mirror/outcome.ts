/** The result of a run: what happened to every ref, counted and summed up in one outcome (docs/behaviour.md, docs/json-output.md). */
import { type ErrorCode, errorCatalogue } from '../core/error-catalogue.ts';
import type { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { refineHint } from '../core/provider-messages.ts';
import type { Redactor } from '../core/redact.ts';
import { told, toldError } from '../core/told.ts';
import { Turns } from '../core/turns.ts';
import type { Oid } from '../git/object-id.ts';
import { type LfsOutcome, lfsRunError } from './lfs-outcome.ts';
import type { Note } from './planning.ts';
import type { PushLimit } from './slices/slice-size.ts';

export const refResults = ['created', 'updated', 'forced', 'deleted', 'diverged', 'kept', 'rejected', 'raced', 'unreadable'] as const;
export type RefResult = (typeof refResults)[number];

export interface RefOutcome {
  readonly ref: string;
  readonly result: RefResult;
  /** The target's value before the run; null = it had none. */
  readonly old: Oid | null;
  /** The source's value; null = it has none. */
  readonly new: Oid | null;
  readonly reason: string | null;
}

/** A ref's outcome with what is wrong, where that is more than a matter between the ref and the target. */
export interface RefFact extends RefOutcome {
  readonly code?: ErrorCode | undefined;
}

export interface RunError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** What the host asked to wait (`Retry-After`); absent where it did not. */
  readonly retry_after_seconds?: number;
}

export interface RunOutcome {
  readonly outcome: 'success' | 'partial' | 'failed';
  readonly error: RunError | null;
  /** Every ref that changed, should have, or was kept; equal and filtered refs are left out. */
  readonly refs: readonly RefOutcome[];
  readonly counts: Readonly<Record<RefResult, number>>;
  /** Bytes of packs that went from source to target. */
  readonly bytes: number;
  readonly duration_ms: number;
  readonly dry_run: boolean;
  /** What a person should know although it is no error. */
  readonly notes: readonly Note[];
  /** null = LFS is off, or the run did not get that far. */
  readonly lfs: LfsOutcome | null;
  /** Slices of a history that was too large for one push; absent = none. */
  readonly slices?: number;
  /** How many matching refs the target had before the deletions of the last 24 hours; absent = this run deleted nothing. */
  readonly deletions_of?: number;
  /** What this run has learned of how much the target takes in one push; absent = nothing. */
  readonly push_limit?: PushLimit;
}

export interface RunFacts {
  readonly refs: readonly RefFact[];
  /** What ended the run early. */
  readonly error: GitferryError | undefined;
  /** LFS pointers could not be looked for, which ended nothing. */
  readonly scanError?: GitferryError | undefined;
  readonly divergedDefaultBranch: string | undefined;
  readonly bytes: number;
  readonly durationMs: number;
  readonly dryRun: boolean;
  readonly notes: readonly Note[];
  readonly lfs?: LfsOutcome | undefined;
  readonly slices?: number;
  readonly deletionsOf?: number | undefined;
  readonly pushLimit?: PushLimit | undefined;
}

const isDone: ReadonlySet<RefResult> = new Set(['created', 'updated', 'forced', 'deleted']);
/** What refs that were left behind are told under. The first that is there is the run's code: what will be tried again by itself, then what says most. */
const sectionOrder = [
  ...['target_locked', 'unpack_failed', 'source_damaged', 'push_too_large', 'spool_limit_exceeded', 'objects_refused'],
  ...['refs_diverged', 'refs_rejected', 'refs_raced'],
] as const satisfies readonly ErrorCode[];
const waitingCodes: ReadonlySet<ErrorCode> = new Set(sectionOrder.filter((code) => !code.startsWith('refs_')));
const codeOfResult: Readonly<Partial<Record<RefResult, ErrorCode>>> = {
  diverged: 'refs_diverged',
  rejected: 'refs_rejected',
  raced: 'refs_raced',
  unreadable: 'source_damaged',
};

/** Sums up a run. All texts pass the redactor here, and are cut behind it. */
export function summarise(given: RunFacts, redactor: Redactor): RunOutcome {
  return sumUp({ ...given, refs: given.refs.map((ref) => toldRef(ref, redactor)) }, redactor);
}

/** The same in short turns: a hundred thousand refs may each have a reason of 500 characters, and other runs and requests wait. */
export async function summariseInTurns(given: RunFacts, redactor: Redactor): Promise<RunOutcome> {
  const turns = new Turns(limits.turnMs);
  const refs: RefFact[] = [];
  for (const ref of given.refs) {
    refs.push(toldRef(ref, redactor));
    const pause = turns.pause();
    if (pause !== undefined) await pause;
  }
  return sumUp({ ...given, refs }, redactor);
}

/** With refs whose reasons have passed the redactor. */
function sumUp(given: RunFacts, redactor: Redactor): RunOutcome {
  const lfs = given.lfs === undefined ? undefined : toldLfs(given.lfs, redactor);
  const facts: RunFacts = { ...given, lfs };
  const refs = facts.refs.map(({ code: _, ...ref }) => ref);
  const counts = Object.fromEntries(refResults.map((result) => [result, 0])) as Record<RefResult, number>;
  for (const { result } of refs) counts[result]++;
  return {
    outcome: outcomeOf(facts, refs),
    error: runError(facts, redactor),
    refs,
    counts,
    bytes: facts.bytes,
    duration_ms: Math.round(facts.durationMs),
    dry_run: facts.dryRun,
    notes: facts.notes.map((note) => ({ ...note, message: told(note.message, redactor) })),
    lfs: facts.lfs ?? null,
    ...((facts.slices ?? 0) === 0 ? {} : { slices: facts.slices ?? 0 }),
    ...(facts.deletionsOf === undefined || counts.deleted === 0 ? {} : { deletions_of: facts.deletionsOf }),
    ...(facts.pushLimit === undefined ? {} : { push_limit: facts.pushLimit }),
  };
}

function toldRef(ref: RefFact, redactor: Redactor): RefFact {
  return { ...ref, reason: ref.reason === null ? null : told(ref.reason, redactor, limits.refReasonCharacters) };
}

function toldLfs(lfs: LfsOutcome, redactor: Redactor): LfsOutcome {
  const failures = lfs.failures.map(({ reason, path, ...failure }) => ({
    ...failure,
    reason: told(reason, redactor, limits.lfsToldCharacters),
    path: path === null ? null : told(path, redactor),
  }));
  return { ...lfs, failures };
}

function outcomeOf({ error, scanError, lfs, slices = 0 }: RunFacts, refs: readonly RefOutcome[]): RunOutcome['outcome'] {
  const hasMoved = refs.some(({ result }) => isDone.has(result)) || (lfs?.moved ?? 0) > 0 || slices > 0;
  if (error !== undefined && error.disposition !== 'partial') return hasMoved ? 'partial' : 'failed';
  return (error ?? scanError) !== undefined || (lfs?.failed ?? 0) > 0 || refs.some(({ result }) => codeOfResult[result] !== undefined)
    ? 'partial'
    : 'success';
}

function runError({ error, ...facts }: RunFacts, redactor: Redactor): RunError | null {
  if (error !== undefined) {
    const { retryAfterSeconds } = error;
    return { ...toldError(error, redactor), ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }) };
  }
  const listed = listedError(facts);
  const { scanError } = facts;
  // Refs that wait for something to be mended say more than a scan, and some of their codes are tried again.
  if (scanError !== undefined && (listed === null || !waitingCodes.has(listed.code))) return toldError(scanError, redactor);
  // A list of refs is as long as it has to be.
  return listed === null ? null : { ...listed, message: redactor.redact(listed.message), hint: redactor.redact(listed.hint) };
}

function listedError({ divergedDefaultBranch, lfs, refs }: Omit<RunFacts, 'error'>): RunError | null {
  if (divergedDefaultBranch !== undefined) {
    const name = divergedDefaultBranch.replace(/^refs\/heads\//, '');
    const message = `The default branch (${name}) has diverged from its upstream counterpart and could not be updated automatically.`;
    return { code: 'default_branch_diverged', message, hint: errorCatalogue.default_branch_diverged.hint };
  }
  const sections = sectionOrder.flatMap((code) => {
    const concerned = refs.filter((ref) => (ref.code ?? codeOfResult[ref.result]) === code);
    return concerned.length === 0 ? [] : [{ code, concerned, message: listed(code, concerned) }];
  });
  const first = sections[0];
  const ofLfs = lfs === undefined ? undefined : lfsRunError(lfs);
  if (first === undefined) return ofLfs ?? null;
  const hint = (heedsWords.has(first.code) ? hintFor(first.code, first.concerned) : undefined) ?? errorCatalogue[first.code].hint;
  return {
    code: first.code,
    message: [...sections, ...(ofLfs === undefined ? [] : [ofLfs])].map(({ message }) => message).join('\n\n'),
    hint,
  };
}

/** Codes whose refs have the target's own words as their reasons. */
const heedsWords: ReadonlySet<ErrorCode> = new Set(['refs_rejected', 'objects_refused', 'push_too_large', 'unpack_failed']);

/** The first ref whose reason is known to mean something; a reason may name other refs too. */
function hintFor(code: ErrorCode, refs: readonly RefOutcome[]): string | undefined {
  const shown = refs.slice(0, limits.listedInMessage);
  const names = shown.map(({ ref }) => ref);
  for (const reason of new Set(shown.map(({ reason }) => reason ?? ''))) {
    const hint = refineHint({ code, words: reason, refs: names });
    if (hint !== undefined) return hint;
  }
  return undefined;
}

/** GitLab's form: a sentence, then a ref per line. */
function listed(code: ErrorCode, refs: readonly RefOutcome[]): string {
  const names = refs.slice(0, limits.listedInMessage).map(({ ref }) => ref);
  if (refs.length > names.length) names.push(`and ${refs.length - names.length} more`);
  return [errorCatalogue[code].sentence, ...names].join('\n');
}
