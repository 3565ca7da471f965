import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openPlaces, orderedPlaces, type Place, placeToWaitFor, type Turn, turnMs } from '../../lib/jobs/host-turns.ts';

const now = 1_000_000;
const turn = (projectId: number, mirror: number, since: number, until = now + turnMs): Turn => ({
  key: { projectId, mirror },
  since,
  until,
});
const held = (slot: number, projectId: number, next?: Turn): Place => ({ slot, holder: { projectId, mirror: 100 + slot }, next });
const kept = (slot: number, next?: Turn): Place => ({ slot, holder: undefined, next });

describe('a place in use', () => {
  it.each<[string, Place[], Turn, number | undefined]>([
    ['is waited for where nobody does', [held(0, 1, turn(1, 1, 5)), held(1, 1)], turn(1, 2, 9), 1],
    ['is waited for where the next one has given up', [held(0, 1, turn(1, 1, 5, now - 1)), held(1, 1, turn(1, 3, 5))], turn(1, 2, 9), 0],
    ['is waited for where only a wrong clock can have set the time', [held(0, 1, turn(2, 1, 5, now + 120_000))], turn(1, 2, 9), 0],
    ['keeps its next one, who comes again', [held(0, 1), held(1, 1, turn(1, 2, 9))], turn(1, 2, 9), 1],
    ['goes to a quiet project, whoever asked before', [held(0, 1, turn(1, 1, 5)), held(1, 1, turn(1, 3, 5))], turn(2, 1, 99), 0],
    ['stays with a quiet project, however long a busy one waits', [held(0, 1, turn(2, 1, 99))], turn(1, 2, 1), undefined],
    ['goes by age among equals', [held(0, 1, turn(2, 1, 7))], turn(3, 1, 6), 0],
    ['does not go to the younger of equals', [held(0, 1, turn(2, 1, 7))], turn(3, 1, 8), undefined],
    ['goes by age within a project', [held(0, 2, turn(1, 1, 7))], turn(1, 2, 6), 0],
    ['is not waited for where nothing is given in order', [held(5, 1), held(7, 1)], turn(2, 1, 1), undefined],
  ])('%s', (_, places, asker, slot) => {
    expect(placeToWaitFor(places, asker, 8, now)?.slot).toBe(slot);
  });
});

describe('a place with nobody there', () => {
  it.each<[string, Place[], Turn, number[]]>([
    ['is open where nobody is next', [kept(3), held(1, 1)], turn(2, 1, 1), [3]],
    ['is open first for whom it is kept', [kept(3), kept(1, turn(2, 1, 1))], turn(2, 1, 1), [1, 3]],
    ['is kept from a project with more', [kept(0, turn(2, 1, 9)), held(1, 1)], turn(1, 5, 1), []],
    ['is open when its next one did not come', [kept(0, turn(2, 1, 9, now - 1)), held(1, 1)], turn(1, 5, 1), [0]],
    [
      'is open when its next one has found another',
      [kept(0, turn(2, 1, 9)), { ...held(1, 2), holder: { projectId: 2, mirror: 1 } }],
      turn(1, 5, 1),
      [0],
    ],
  ])('%s', (_, places, asker, slots) => {
    expect(openPlaces(places, asker, now).map(({ slot }) => slot)).toEqual(slots);
  });
});

it.each([
  [1, 1],
  [2, 1],
  [8, 2],
  [50, 12],
])('of %i places %i are given in order', (limit, ordered) => {
  expect(orderedPlaces(limit)).toBe(ordered);
});

const anyTurn = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 5 }))
  .map((parts) => turn(...parts));
const anyPlaces = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 4 }), fc.option(anyTurn, { nil: undefined })),
  { selector: ([slot]) => slot, minLength: 1 },
);

it('Whoever is passed does not pass again', () => {
  fc.assert(
    fc.property(anyPlaces, anyTurn, (made, asker) => {
      const places = made.map(([slot, projectId, next]) => held(slot, projectId, next));
      fc.pre(!places.some(({ next }) => next?.key.projectId === asker.key.projectId && next.key.mirror === asker.key.mirror));
      const place = placeToWaitFor(places, asker, 16, now);
      fc.pre(place?.next !== undefined);
      const after = places.map((each) => (each.slot === place?.slot ? { ...each, next: asker } : each));
      expect(placeToWaitFor(after, place!.next!, 16, now)?.slot).not.toBe(place?.slot);
    }),
  );
});
