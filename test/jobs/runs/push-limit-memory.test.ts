import { describe, expect, it } from 'vitest';
import { knownPushLimit, pushLimitAfter } from '../../../lib/jobs/runs/push-limit-memory.ts';

const now = Date.UTC(2026, 11, 1);
const day = 24 * 3600_000;
const refused = { bytes: 1000, reason: 'refused' } as const;
const time = { bytes: 500, reason: 'time' } as const;

describe('what a target takes in one push', () => {
  it.each([
    ['is not known at first', undefined, undefined],
    ['is known for 30 days', { ...refused, learnedAt: now - 30 * day }, refused],
    ['is forgotten then', { ...refused, learnedAt: now - 30 * day - 1 }, undefined],
  ])('%s', (_, pushLimit, known) => {
    expect(knownPushLimit(pushLimit === undefined ? {} : { pushLimit }, now)).toEqual(known);
  });

  it.each([
    ['learns what a run has learned', undefined, refused, 'partial', { ...refused, learnedAt: now }],
    ['writes nothing where nothing is new', refused, refused, 'success', undefined],
    ['writes nothing where nothing was learned', refused, undefined, 'success', undefined],
    ['learns less where less was taken', refused, { ...refused, bytes: 10 }, 'failed', { ...refused, bytes: 10, learnedAt: now }],
    ['remembers that time was short', undefined, time, 'partial', { ...time, learnedAt: now }],
    ['forgets that when a run was done in its time', time, undefined, 'success', null],
    ['forgets it too where the last slices of a run needed it', undefined, time, 'success', null],
  ] as const)('%s', (_, before, learned, outcome, after) => {
    const mirror = before === undefined ? {} : { pushLimit: { ...before, learnedAt: now - day } };
    expect(pushLimitAfter(mirror, { outcome, ...(learned === undefined ? {} : { push_limit: learned }) }, now)).toEqual(after);
  });
});
