/** Where to cut a history that is too large for one push: the oldest part of what is missing, about as many commits as wanted. */
import type { Oid } from '../../git/object-id.ts';

/** Commits that the target lacks, with their parents. A parent that is not a key is there already. */
export type MissingCommits = ReadonlyMap<Oid, readonly Oid[]>;

export interface HistoryCut {
  /** The commits of this part that no other commit of it has as a parent: all that has to be asked for. */
  readonly heads: readonly Oid[];
  /** All commits of this part. */
  readonly oids: readonly Oid[];
  /** How many missing commits are left after it. */
  readonly rest: number;
}

/**
 * The part holds the parents of all its commits, so that a target with it has a complete history. It follows first parents before others and `wants` in
 * their order: the default branch, given first, comes first. What `wants` names and is no missing commit is left out. Takes time linear in `missing`.
 */
export function cutHistory(missing: MissingCommits, wants: readonly Oid[], mostCommits: number): HistoryCut {
  const part: Oid[] = [];
  let reachable = 0;
  for (const oid of oldestFirst(missing, wants)) {
    reachable++;
    if (part.length < mostCommits) part.push(oid);
  }
  const heads = new Set(part);
  for (const oid of part) for (const parent of missing.get(oid) ?? []) heads.delete(parent);
  return { heads: [...heads], oids: part, rest: reachable - part.length };
}

/** Each missing commit that `wants` reach, after all its parents. Without recursion: histories are deep. */
function* oldestFirst(missing: MissingCommits, wants: readonly Oid[]): Generator<Oid, void> {
  const seen = new Set<Oid>();
  for (const want of wants) {
    if (seen.has(want) || !missing.has(want)) continue;
    seen.add(want);
    const path = [{ oid: want, next: 0 }];
    for (let place = path.at(-1); place !== undefined; place = path.at(-1)) {
      const parent = missing.get(place.oid)?.[place.next++];
      if (parent === undefined) {
        yield place.oid;
        path.pop();
      } else if (!seen.has(parent) && missing.has(parent)) {
        seen.add(parent);
        path.push({ oid: parent, next: 0 });
      }
    }
  }
}

/**
 * The same with one head, on the line of first parents from `tip`: the newest of them with at most `mostCommits` missing commits behind it, or the oldest
 * where that one has more.
 */
export function cutFirstParents(missing: MissingCommits, tip: Oid, mostCommits: number): HistoryCut {
  const line: Oid[] = [];
  for (let oid: Oid | undefined = tip; oid !== undefined && missing.has(oid); oid = missing.get(oid)?.[0]) line.push(oid);
  const left = new Map(missing);
  const part: Oid[] = [];
  let head: Oid | undefined;
  for (const oid of line.reverse()) {
    const step = [...oldestFirst(left, [oid])];
    if (head !== undefined && part.length + step.length > mostCommits) break;
    head = oid;
    for (const reached of step) left.delete(reached);
    part.push(...step);
  }
  return { heads: head === undefined ? [] : [head], oids: part, rest: [...oldestFirst(left, [tip])].length };
}

/** Whether `commit` is `from` or an ancestor of it, as far as the missing commits tell. */
export function reaches(missing: MissingCommits, from: Oid, commit: Oid): boolean {
  for (const oid of oldestFirst(missing, [from])) if (oid === commit) return true;
  return false;
}
