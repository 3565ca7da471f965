import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Oid } from '../../../lib/git/object-id.ts';
import { cutFirstParents, cutHistory, type MissingCommits, reaches } from '../../../lib/mirror/slices/cut-history.ts';

const oid = (index: number): Oid => index.toString(16).padStart(40, '0') as Oid;

/** Commits by number; parents have smaller numbers, and those below `known` are at the target. */
function history(parents: readonly (readonly number[])[], known = 0): MissingCommits {
  return new Map(parents.flatMap((of, index) => (index < known ? [] : [[oid(index), of.map(oid)] as const])));
}

const linear = history(
  Array.from({ length: 10 }, (_, index) => (index === 0 ? [] : [index - 1])),
  2,
);

describe('a history is cut', () => {
  it('at the commit that has as many missing ancestors as wanted', () => {
    expect(cutHistory(linear, [oid(9)], 3)).toEqual({ heads: [oid(4)], oids: [2, 3, 4].map(oid), rest: 5 });
  });

  it('nowhere if all that is missing is wanted', () => {
    expect(cutHistory(linear, [oid(9)], 8)).toMatchObject({ heads: [oid(9)], rest: 0 });
    expect(cutHistory(linear, [oid(1)], 8)).toEqual({ heads: [], oids: [], rest: 0 });
  });

  it('within the branches of a merge, with one head for each that was begun', () => {
    // 0 <- 1 <- 2, 0 <- 3 <- 4, merged by 5.
    const merged = history([[], [0], [1], [0], [3], [2, 4]]);
    expect(cutHistory(merged, [oid(5)], 4)).toEqual({ heads: [oid(2), oid(3)], oids: [0, 1, 2, 3].map(oid), rest: 2 });
  });

  it('with the first of several values first', () => {
    const two = history([[], [0], [], [2]]);
    expect(cutHistory(two, [oid(3), oid(1)], 2)).toEqual({ heads: [oid(3)], oids: [2, 3].map(oid), rest: 2 });
  });

  it('however deep it is', () => {
    const deep = history(Array.from({ length: 200_000 }, (_, index) => (index === 0 ? [] : [index - 1])));
    expect(cutHistory(deep, [oid(199_999)], 100_000)).toMatchObject({ heads: [oid(99_999)], rest: 100_000 });
  });

  it('so that a part is complete, no larger than wanted, and parts that follow each other are everything', () => {
    const histories = fc
      .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 60 })
      .map((links) => links.map((of, index) => (index === 0 ? [] : [...new Set(of.map((link) => link % index))])));
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), (parents, most, tips) => {
        const wants = tips.map((tip) => oid(tip % parents.length));
        const left = new Map(history(parents));
        const all = new Set<Oid>();
        const reach = (from: Oid, into: Set<Oid>): void => {
          if (into.has(from) || !left.has(from)) return;
          into.add(from);
          for (const parent of left.get(from) ?? []) reach(parent, into);
        };
        for (const want of wants) reach(want, all);
        let moved = 0;
        for (let rest = 1; rest > 0; ) {
          const cut = cutHistory(left, wants, most);
          const part = new Set<Oid>();
          for (const head of cut.heads) reach(head, part);
          expect([...part].sort()).toEqual([...cut.oids].sort());
          expect(part.size).toBeLessThanOrEqual(most);
          for (const commit of part) left.delete(commit);
          moved += part.size;
          rest = cut.rest;
        }
        expect(moved).toBe(all.size);
      }),
      { seed: 20261201 },
    );
  });
});

describe('a branch is cut', () => {
  // 0 <- 1 <- 4 <- 5, where 4 merges 2 <- 3, which begin at 0.
  const branch = history([[], [0], [0], [2], [1, 3], [4]]);

  it.each([
    [1, oid(0), [0], 5],
    [2, oid(1), [0, 1], 4],
    [4, oid(1), [0, 1], 4],
    [5, oid(4), [0, 1, 2, 3, 4], 1],
    [6, oid(5), [0, 1, 2, 3, 4, 5], 0],
  ])('on its line of first parents, with at most %i commits', (most, head, oids, rest) => {
    expect(cutFirstParents(branch, oid(5), most)).toEqual({ heads: [head], oids: oids.map(oid), rest });
  });

  it('at its oldest commit of that line, where this one has more behind it', () => {
    const left = new Map([...branch].filter(([id]) => id !== oid(0) && id !== oid(1)));
    expect(cutFirstParents(left, oid(5), 1)).toEqual({ heads: [oid(4)], oids: [2, 3, 4].map(oid), rest: 1 });
  });

  it('and tells which commits are behind others', () => {
    expect(reaches(branch, oid(4), oid(2))).toBe(true);
    expect(reaches(branch, oid(1), oid(2))).toBe(false);
  });
});
