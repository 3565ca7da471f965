/** History questions as data: what is asked, what may be answered, how answers are found again. */
import type { Oid } from '../object-id.ts';

/** Is `commit` (any value) contained in, that is an ancestor of or equal to, `within` (a value the source lists)? */
export interface ContainmentQuestion {
  readonly commit: Oid;
  readonly within: Oid;
}

/** Has the source this tag object, and does it name this commit in the end? */
export interface TagQuestion {
  readonly tag: Oid;
  readonly commit: Oid;
}

/**
 * `yes` is proven: ids that were computed over what the source sent lead from one to the other. `no` is what the source says or does not show; it may
 * only ever keep a ref. `undecided`: nobody could tell, and why; it is never taken for yes or no.
 */
export type HistoryAnswer = 'yes' | 'no' | { readonly undecided: string };

/** One question as a key of the answers. */
export function questionKey({ commit, within }: ContainmentQuestion): string {
  return `${commit} ${within}`;
}

/** Questions against the same value together. */
export function groupsByWithin(questions: readonly ContainmentQuestion[]): ContainmentQuestion[][] {
  const groups = new Map<Oid, ContainmentQuestion[]>();
  for (const question of questions) {
    const group = groups.get(question.within);
    if (group === undefined) groups.set(question.within, [question]);
    else group.push(question);
  }
  return [...groups.values()];
}
