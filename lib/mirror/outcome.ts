/** The result of a run: what happened to every ref, counted and summed up in one outcome (docs/behaviour.md, docs/json-output.md). */
import { type ErrorCode, errorCatalogue } from '../core/error-catalogue.ts';
import type { GitferryError } from '../core/errors.ts';
import { refineHint } from '../core/provider-messages.ts';
import type { Redactor } from '../core/redact.ts';
import type { Oid } from '../git/object-id.ts';
import { type LfsOutcome, lfsRunError } from './lfs-outcome.ts';
import type { Note } from './planning.ts';

export const refResults = ['created', 'updated', 'forced', 'deleted', 'diverged', 'kept', 'rejected', 'raced'] as const;
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
}

export interface RunFacts {
  readonly refs: readonly RefOutcome[];
  /** What ended the run early. */
  readonly error: GitferryError | undefined;
  readonly divergedDefaultBranch: string | undefined;
  readonly bytes: number;
  readonly durationMs: number;
  readonly dryRun: boolean;
  readonly notes: readonly Note[];
  readonly lfs?: LfsOutcome | undefined;
}

const listedInMessage = 100;
const isDone: ReadonlySet<RefResult> = new Set(['created', 'updated', 'forced', 'deleted']);
const notDone: readonly (readonly [RefResult, ErrorCode])[] = [
  ['diverged', 'refs_diverged'],
  ['rejected', 'refs_rejected'],
  ['raced', 'refs_raced'],
];

/** Sums up a run. All texts pass the redactor here. */
export function summarise(facts: RunFacts, redactor: Redactor): RunOutcome {
  const refs = facts.refs.map((ref) => ({ ...ref, reason: ref.reason === null ? null : redactor.redact(ref.reason) }));
  const counts = Object.fromEntries(refResults.map((result) => [result, 0])) as Record<RefResult, number>;
  for (const { result } of refs) counts[result]++;
  const error = runError(facts, refs);
  return {
    outcome: outcomeOf(facts, refs),
    error: error === null ? null : { ...error, message: redactor.redact(error.message), hint: redactor.redact(error.hint) },
    refs,
    counts,
    bytes: facts.bytes,
    duration_ms: Math.round(facts.durationMs),
    dry_run: facts.dryRun,
    notes: facts.notes,
    lfs: facts.lfs === undefined ? null : redactedLfs(facts.lfs, redactor),
  };
}

function redactedLfs(lfs: LfsOutcome, redactor: Redactor): LfsOutcome {
  return { ...lfs, failures: lfs.failures.map((failure) => ({ ...failure, reason: redactor.redact(failure.reason) })) };
}

function outcomeOf({ error, lfs }: RunFacts, refs: readonly RefOutcome[]): RunOutcome['outcome'] {
  const hasMoved = refs.some(({ result }) => isDone.has(result)) || (lfs?.moved ?? 0) > 0;
  if (error !== undefined && error.disposition !== 'partial') return hasMoved ? 'partial' : 'failed';
  return error !== undefined || (lfs?.failed ?? 0) > 0 || refs.some(({ result }) => notDone.some(([kind]) => kind === result))
    ? 'partial'
    : 'success';
}

function runError({ error, divergedDefaultBranch, lfs }: RunFacts, refs: readonly RefOutcome[]): RunError | null {
  if (error !== undefined) {
    const { code, message, hint, retryAfterSeconds } = error;
    return { code, message, hint, ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }) };
  }
  if (divergedDefaultBranch !== undefined) {
    const name = divergedDefaultBranch.replace(/^refs\/heads\//, '');
    const message = `The default branch (${name}) has diverged from its upstream counterpart and could not be updated automatically.`;
    return { code: 'default_branch_diverged', message, hint: errorCatalogue.default_branch_diverged.hint };
  }
  const sections = notDone.flatMap(([result, code]) => {
    const concerned = refs.filter((ref) => ref.result === result);
    return concerned.length === 0 ? [] : [{ code, concerned, message: listed(code, concerned) }];
  });
  const first = sections[0];
  const ofLfs = lfs === undefined ? undefined : lfsRunError(lfs);
  if (first === undefined) return ofLfs ?? null;
  const hint = (first.code === 'refs_rejected' ? hintForRejected(first.concerned) : undefined) ?? errorCatalogue[first.code].hint;
  return {
    code: first.code,
    message: [...sections, ...(ofLfs === undefined ? [] : [ofLfs])].map(({ message }) => message).join('\n\n'),
    hint,
  };
}

/** The first ref whose reason is known to mean something; a reason may name other refs too. */
function hintForRejected(refs: readonly RefOutcome[]): string | undefined {
  const shown = refs.slice(0, listedInMessage);
  const names = shown.map(({ ref }) => ref);
  for (const reason of new Set(shown.map(({ reason }) => reason ?? ''))) {
    const hint = refineHint({ code: 'refs_rejected', words: reason, refs: names });
    if (hint !== undefined) return hint;
  }
  return undefined;
}

/** GitLab's form: a sentence, then a ref per line. */
function listed(code: ErrorCode, refs: readonly RefOutcome[]): string {
  const names = refs.slice(0, listedInMessage).map(({ ref }) => ref);
  if (refs.length > names.length) names.push(`and ${refs.length - names.length} more`);
  return [errorCatalogue[code].sentence, ...names].join('\n');
}
