import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../lib/core/limits.ts';
import { healthy } from '../../../lib/jobs/hosts/host-health.ts';
import { type HeldPlace, type HostView, inTurn, openPlaces, rankOf, type WaitingRun } from '../../../lib/jobs/hosts/host-room.ts';

const now = 1_000_000_000;
const limit = 8;
const guest = (projectId: number, mirror = 1, credentialId: number | null = null) => ({ key: { projectId, mirror }, credentialId });
const held = (slot: number, projectId: number, credentialId: number | null = null): HeldPlace => ({
  slot,
  holder: { ...guest(projectId, 100 + slot, credentialId), leaseToken: `t${slot}`, takenAt: now },
  keptFor: undefined,
  was: { leaseToken: `t${slot}` },
});
const kept = (slot: number, projectId: number, until: number): HeldPlace => ({
  slot,
  holder: undefined,
  keptFor: { ...guest(projectId), until },
  was: { keptUntil: until },
});
const view = (...places: readonly HeldPlace[]): HostView => ({ host: 'h', places, health: healthy, version: 0, isAwaited: true });
const waiting = (projectId: number, rank: number, more: Partial<WaitingRun> = {}): WaitingRun => ({
  ...guest(projectId, rank),
  entry: `${rank}`,
  rank,
  notBefore: 0,
  ...more,
});
const slots = (places: ReturnType<typeof openPlaces>) => places.map(({ slot }) => slot);

describe('openPlaces', () => {
  it('are those that nobody has', () => {
    expect(slots(openPlaces(view(held(0, 1), held(3, 2), held(7, 3)), guest(9), limit, now))).toEqual([1, 2, 4, 5, 6]);
  });

  it('are none at a full host', () => {
    const full = view(...[0, 1, 2, 3, 4, 5, 6, 7].map((slot) => held(slot, slot)));
    expect(openPlaces(full, guest(9), limit, now)).toEqual([]);
  });

  it.each([
    ['is for the one it is kept for, before any other', 9, now + 5_000, [4]],
    ['is not for others', 1, now + 5_000, [0, 1, 2, 3, 5, 6, 7]],
    ['is for anybody when its time is up', 1, now - 1, [0, 1, 2, 3, 5, 6, 7, 4]],
    ['is for anybody where only a wrong clock can have kept it', 1, now + limits.placeKeptMs + 1, [0, 1, 2, 3, 5, 6, 7, 4]],
  ])('a place that is kept %s', (_, projectId, until, expected) => {
    expect(slots(openPlaces(view(kept(4, 9, until)), guest(projectId), limit, now))).toEqual(expected);
  });

  it.each([
    ['a project has a quarter', [held(0, 1), held(1, 1)], guest(1, 5), false],
    ['another project is there', [held(0, 1), held(1, 1)], guest(2, 5), true],
    ['a credential has three quarters', [1, 2, 3, 4, 5, 6].map((n) => held(n, n, 77)), guest(9, 5, 77), false],
    ['another credential is there', [1, 2, 3, 4, 5, 6].map((n) => held(n, n, 77)), guest(9, 5, 78), true],
  ])('where %s', (_, places, asker, isOpen) => {
    expect(openPlaces(view(...places), asker, limit, now).length > 0).toBe(isOpen);
  });

  it('lets one run in where there is a single place', () => {
    expect(slots(openPlaces(view(), guest(1, 5, 77), 1, now))).toEqual([0]);
  });

  it('lowered meanwhile lets nobody in before enough have left', () => {
    expect(openPlaces(view(held(2, 1), held(5, 2)), guest(9), 2, now)).toEqual([0, 1].map((slot) => ({ slot })));
    expect(openPlaces(view(held(0, 1), held(1, 2)), guest(9), 2, now)).toEqual([]);
  });
});

describe('inTurn', () => {
  const order = (runs: readonly WaitingRun[], ...places: readonly HeldPlace[]) =>
    inTurn(view(...places), runs, limit, now).map(({ key, rank }) => [key.projectId, rank]);

  it('calls the project that has least, then by age', () => {
    expect(order([waiting(1, 10), waiting(2, 20), waiting(3, 15)], held(0, 1))).toEqual([
      [3, 15],
      [2, 20],
      [1, 10],
    ]);
  });

  it('leaves out a project with its share, one that is called already, and one that has just asked in vain', () => {
    const called = { ...waiting(2, 20), ...guest(2) };
    const runs = [waiting(1, 10), called, waiting(3, 30, { notBefore: now + 1 }), waiting(4, 40)];
    expect(order(runs, held(0, 1), held(1, 1), kept(2, 2, now + 100))).toEqual([[4, 40]]);
  });

  it('puts pull mirrors behind push mirrors of the same age', () => {
    expect(rankOf(now, 'pull')).toBeGreaterThan(rankOf(now + limits.pullsWaitLongerMs - 1, 'push'));
  });

  it('comes to everybody: whoever waits is served, however many of a busy project stand before', () => {
    const arbitrary = fc.array(fc.record({ projectId: fc.integer({ min: 1, max: 4 }), rank: fc.integer({ min: 0, max: 1000 }) }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(arbitrary, (runs) => {
        let left: readonly WaitingRun[] = runs.map(({ projectId, rank }, n) => ({
          ...waiting(projectId, rank),
          key: { projectId, mirror: n },
        }));
        let places: readonly HeldPlace[] = [];
        let rounds = 0;
        while (left.length > 0) {
          const [next] = inTurn(view(...places), left, limit, now);
          if (next === undefined) {
            // The oldest run ends.
            expect(places.length).toBeGreaterThan(0);
            places = places.slice(1);
            continue;
          }
          rounds++;
          left = left.filter((other) => other !== next);
          places = [...places, { ...held(rounds, next.key.projectId), holder: { ...next, leaseToken: `${rounds}`, takenAt: now } }];
        }
        expect(rounds).toBe(runs.length);
      }),
      { seed: 18, numRuns: 200 },
    );
  });
});
