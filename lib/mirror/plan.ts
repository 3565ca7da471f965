/** Decides what has to happen to every ref (docs/behaviour.md): a pure function of both ref lists, the rules and the answers to history questions. */

import { limits } from '../core/limits.ts';
import { type ContainmentQuestion, type HistoryAnswer, questionKey, type TagQuestion } from '../git/client/history-questions.ts';
import type { Oid } from '../git/object-id.ts';
import { isBranch, isTag, NamesInTheWay, refNameFault, shortRefName } from '../git/ref-name.ts';
import type { Candidate, Note, PlanInput, PlannedChange, PlannedStay, Planning } from './planning.ts';

/**
 * Plans, or says what it needs to know first; call it again with the answers. Undecided answers never lead to a loss: such refs are kept or diverged.
 * Does no I/O. Changes come in the order in which they are to be sent: deletions, the default branch, the rest by name.
 */
export function planRefs(input: PlanInput): Planning {
  return new Planner(input).run();
}

class Planner {
  readonly #input: PlanInput;
  #changes: PlannedChange[] = [];
  #deletions: PlannedChange[] = [];
  readonly #stays: PlannedStay[] = [];
  readonly #fastForwards: ContainmentQuestion[] = [];
  #needsDetails = false;
  readonly #contained: ContainmentQuestion[] = [];
  readonly #tags: TagQuestion[] = [];
  readonly #candidates: Candidate[] = [];

  constructor(input: PlanInput) {
    this.#input = input;
  }

  run(): Planning {
    const { source, target, direction, rules } = this.#input;
    for (const [ref, value] of source.values) if (this.#isPlanned(ref)) this.#planSourceRef(ref, value);
    if (direction === 'push') {
      for (const [ref, value] of target.values) if (!source.values.has(ref) && this.#isPlanned(ref)) this.#planTargetOnly(ref, value);
    }
    this.#refuseImpossible();
    const notes: Note[] = [];
    this.#holdBackDeletions(notes);
    if (
      rules.branchFilter !== undefined &&
      ![...source.values.keys()].some((ref) => isBranch(ref) && rules.branchMatches(shortRefName(ref)))
    ) {
      notes.push({ code: 'no_branch_matches', message: `No branch of the source matches ${rules.branchFilter}: no branch was mirrored.` });
    }
    const divergedDefaultBranch = this.#divergedDefaultBranch();
    if (this.#needsDetails || this.#contained.length + this.#tags.length > 0) {
      const needs = { targetDetails: this.#needsDetails, contained: this.#contained, tags: this.#tags };
      return { kind: 'needs', needs, candidates: this.#candidates };
    }
    this.#refuseNamesInTheWay();
    const changes = [...byName(this.#deletions), ...byName(this.#changes, source.headBranch)];
    const candidates = this.#candidates;
    return {
      kind: 'plan',
      candidates,
      plan: {
        ...{ changes, stays: byName(this.#stays), notes, divergedDefaultBranch, fastForwards: this.#fastForwards },
        ambiguous: this.#ambiguous,
        ...(this.#deletionsOf === undefined ? {} : { deletionsOf: this.#deletionsOf }),
      },
    };
  }

  #isPlanned(ref: string): boolean {
    return this.#isConcerned(ref) && !this.#input.source.impossible.has(ref) && !this.#input.target.impossible.has(ref);
  }

  /** A value that no object can have is neither a value nor an absence: nothing is written over it, nothing deleted for it. */
  #refuseImpossible(): void {
    const { source, target } = this.#input;
    for (const ref of new Set([...source.impossible, ...target.impossible])) {
      if (!this.#isConcerned(ref)) continue;
      const end = source.impossible.has(ref) ? 'source' : 'target';
      const [old, value] = [target.values.get(ref) ?? null, source.values.get(ref) ?? null];
      this.#stay(ref, old, value, 'rejected', `the ${end} lists a value that no object can have: the ref is broken there`);
    }
  }

  #isConcerned(ref: string): boolean {
    const { only } = this.#input;
    return (only === undefined || only.has(ref)) && this.#isMatching(ref);
  }

  #isMatching(ref: string): boolean {
    const { rules } = this.#input;
    if (isBranch(ref)) return rules.branchMatches(shortRefName(ref));
    return isTag(ref) && rules.tagMatches(shortRefName(ref));
  }

  #planSourceRef(ref: string, value: Oid): void {
    const { target, direction, rules } = this.#input;
    const old = target.values.get(ref) ?? null;
    if (old === value) return;
    const fault = refNameFault(ref) ?? (direction === 'pull' && ref === 'refs/heads/HEAD' ? 'a branch cannot be named HEAD' : undefined);
    if (fault !== undefined) return this.#stay(ref, old, value, 'rejected', fault);
    const mayOverwrite = direction === 'push' ? !rules.keepDivergentRefs : rules.overwriteDivergedBranches;
    if (old === null || mayOverwrite || isBranch(ref)) this.#candidates.push({ old, new: value });
    if (old === null) return this.#change(ref, null, value, 'created');
    if (this.#maybeSymbolic(ref, old)) return;
    if (target.details?.symbolic?.has(ref)) return this.#stay(ref, old, value, 'kept', 'it is a symbolic ref on the target');

    if (isTag(ref)) {
      if (mayOverwrite) this.#change(ref, old, value, 'forced');
      else this.#stay(ref, old, value, 'diverged', 'the tag has another value on the target');
      return;
    }
    const question = { commit: old, within: value };
    if (mayOverwrite) {
      this.#fastForwards.push(question);
      this.#change(ref, old, value, 'updated_or_forced');
      return;
    }
    const answer = this.#ask(question);
    if (answer === 'yes') this.#change(ref, old, value, 'updated');
    else if (answer === 'no') this.#stay(ref, old, value, 'diverged', 'the target has commits that the source does not have');
    else if (answer !== undefined) this.#stay(ref, old, value, 'diverged', answer.undecided);
  }

  #planTargetOnly(ref: string, value: Oid): void {
    const { source, target, rules } = this.#input;
    const keep = (reason: string): void => this.#stay(ref, value, null, 'kept', reason);
    if (rules.keepDivergentRefs) return keep('nothing is deleted while divergent refs are kept');
    if (!rules.deletions) return keep('deletions are switched off');
    if (source.values.size === 0) return keep('the source is empty');
    const defaultValue = source.headBranch === undefined ? undefined : source.values.get(source.headBranch);
    if (defaultValue === undefined) return keep('the source has no default branch');
    if (refNameFault(ref) !== undefined) return keep('git does not accept this ref name');
    if (target.details === undefined) {
      this.#needsDetails = true;
      return;
    }
    const { headBranch, symbolic, named, peeled } = target.details;
    if (symbolic?.has(ref)) return;
    if (ref === headBranch) return keep("it is the target's default branch");
    if (named?.has(ref)) return keep('a symbolic ref of the target stands for it');
    const commit = peeled.get(ref) ?? value;
    const contained = this.#ask({ commit, within: defaultValue });
    if (contained === undefined) return;
    if (contained === 'no') return keep(`it is not contained in the source's default branch (${shortRefName(source.headBranch ?? '')})`);
    if (contained !== 'yes') return keep(contained.undecided);
    // The chain that proves it leads to a commit. What the target says of a tag object is true if the object itself says so.
    if (value !== commit) {
      const known = this.#input.answers.tags.get(value);
      if (known === undefined) this.#tags.push({ tag: value, commit });
      if (known === undefined) return;
      if (known !== 'yes') return keep(known === 'no' ? 'the source does not know this tag object' : known.undecided);
    }
    if (symbolic === undefined && this.#staysForSymbolicRefs(ref, value, headBranch)) return;
    this.#deletions.push({ kind: 'change', ref, old: value, new: null, result: 'deleted' });
  }

  /** Whether a ref that only protocol v0 lists has to stay: a symbolic ref shows the value of what it names, so one whose value no other has is none. */
  #staysForSymbolicRefs(ref: string, value: Oid, headBranch: string | undefined): boolean {
    const isAmbiguous = this.#isShared(value) && !this.#input.rules.deleteAmbiguousRefs;
    if (isAmbiguous) this.#ambiguous.set(ref, value);
    const reason = isAmbiguous
      ? 'another ref of the target has the same value, and its symbolic refs cannot be listed (protocol v0): deleting one would delete what it names'
      : isBranch(ref) && headBranch === undefined
        ? 'the target does not say which branch is its default one'
        : undefined;
    if (reason !== undefined) this.#stay(ref, value, null, 'kept', reason);
    return reason !== undefined;
  }
  readonly #ambiguous = new Map<string, Oid>();

  /** A symbolic ref shows the value of the ref it stands for: only where two refs share a value can one be symbolic, and only then details are needed. */
  #maybeSymbolic(ref: string, value: Oid): boolean {
    if (this.#input.target.details !== undefined || !this.#isShared(value)) return false;
    this.#needsDetails = true;
    // The history question, if there will be one, is asked in the same round.
    const { direction, rules, source } = this.#input;
    const within = source.values.get(ref);
    const decides = direction === 'push' ? rules.keepDivergentRefs : !rules.overwriteDivergedBranches;
    if (decides && isBranch(ref) && within !== undefined) this.#ask({ commit: value, within });
    return true;
  }

  /** Whether several refs of the target have this value. */
  #isShared(value: Oid): boolean {
    this.#sharedValues ??= sharedValues(this.#input.target.values);
    return this.#sharedValues.has(value);
  }
  #sharedValues: Set<Oid> | undefined;

  /** The answer, or undefined after noting the question. */
  #ask(question: ContainmentQuestion): HistoryAnswer | undefined {
    if (question.commit === question.within) return 'yes';
    const answer = this.#input.answers.contained.get(questionKey(question));
    if (answer === undefined) this.#contained.push(question);
    return answer;
  }

  #holdBackDeletions(notes: Note[]): void {
    const { rules, target } = this.#input;
    const count = this.#deletions.length;
    if (count === 0) return;
    const earlier = rules.earlierDeletions ?? { count: 0, of: 0 };
    const symbolic = target.details?.symbolic;
    const now = [...target.values.keys()].filter((ref) => this.#isMatching(ref) && symbolic?.has(ref) !== true).length;
    const matching = Math.max(now, earlier.of);
    this.#deletionsOf = matching;
    const all = count + earlier.count;
    if (rules.confirmDeletions || all < limits.guardedDeletions || all * 100 <= rules.maxDeletionsPercent * matching) return;
    // 0 % where any share is too much: after a run that held deletions back.
    const share = rules.maxDeletionsPercent === 0 ? '' : `, which is more than ${rules.maxDeletionsPercent} %`;
    const before = earlier.count === 0 ? '' : ` after ${earlier.count} others in 24 hours`;
    const what = `${count} of the target's ${matching} refs would have been deleted${before}${share}`;
    for (const { ref, old } of this.#deletions)
      this.#stay(ref, old, null, 'kept', `${what}; confirm the deletions to go through with them`);
    notes.push({
      code: 'deletions_held_back',
      count,
      message: `Nothing was deleted: ${what}. Run once more with deletions confirmed if that is meant.`,
    });
    this.#deletions = [];
    this.#deletionsOf = undefined;
  }
  #deletionsOf: number | undefined;

  /** `a` and `a/b` cannot exist at once: a ref is not created where one that stays on the target has the other name. */
  #refuseNamesInTheWay(): void {
    if (!this.#changes.some(({ result }) => result === 'created')) return;
    const deleted = new Set(this.#deletions.map(({ ref }) => ref));
    const { values, impossible } = this.#input.target;
    const staying = [...values.keys(), ...impossible].filter((ref) => !deleted.has(ref));
    const names = new NamesInTheWay(staying);
    const possible = this.#changes.filter(({ ref, old, new: value, result }) => {
      const other = result === 'created' ? names.of(ref) : undefined;
      if (other !== undefined) this.#stay(ref, old, value, 'rejected', `its name cannot exist beside ${other}, which stays on the target`);
      return other === undefined;
    });
    this.#changes = possible;
  }

  /** Pull: which branch the project calls its default one matters only when something diverged. */
  #divergedDefaultBranch(): string | undefined {
    const { direction, target } = this.#input;
    if (direction !== 'pull' || !this.#stays.some(({ result, ref }) => result === 'diverged' && isBranch(ref))) return undefined;
    if (target.details === undefined) this.#needsDetails = true;
    return this.#stays.find(({ result, ref }) => result === 'diverged' && ref === target.details?.headBranch)?.ref;
  }

  #change(ref: string, old: Oid | null, value: Oid, result: PlannedChange['result']): void {
    this.#changes.push({ kind: 'change', ref, old, new: value, result });
  }

  #stay(ref: string, old: Oid | null, value: Oid | null, result: PlannedStay['result'], reason: string): void {
    this.#stays.push({ kind: 'stay', ref: shownName(ref), old, new: value, result, reason });
  }
}

/** Nobody moves a name that is too long, and a record of thousands of them would be as large as the list that they came in. */
function shownName(ref: string): string {
  return ref.length > limits.refNameBytes ? `${ref.slice(0, shownCharacters)}…` : ref;
}
const shownCharacters = 100;

function sharedValues(values: ReadonlyMap<string, Oid>): Set<Oid> {
  const seen = new Set<Oid>();
  const shared = new Set<Oid>();
  for (const value of values.values()) (seen.has(value) ? shared : seen).add(value);
  return shared;
}

function byName<T extends { readonly ref: string }>(items: readonly T[], first?: string): T[] {
  const rank = (ref: string): number => (ref === first ? 0 : 1);
  return [...items].sort((a, b) => rank(a.ref) - rank(b.ref) || (a.ref < b.ref ? -1 : a.ref > b.ref ? 1 : 0));
}
