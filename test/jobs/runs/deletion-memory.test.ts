import { describe, expect, it } from 'vitest';
import { deletionsAfter, earlierDeletionsOf } from '../../../lib/jobs/runs/deletion-memory.ts';

const now = Date.UTC(2026, 11, 1);
const hour = 3600_000;
const counts = (deleted: number) => ({ counts: { deleted } as never, deletions_of: 60 });

describe('deletions of the last 24 hours', () => {
  it('are none at first, and none after a day and an hour', () => {
    expect(earlierDeletionsOf({}, now)).toBeUndefined();
    expect(earlierDeletionsOf({ recentDeletions: [{ at: now - 25 * hour, count: 9, of: 60 }] }, now)).toBeUndefined();
  });

  it('are added up, against the refs that there were before the first', () => {
    const recentDeletions = [
      { at: now - 20 * hour, count: 9, of: 60 },
      { at: now - 2 * hour, count: 5, of: 51 },
    ];
    expect(earlierDeletionsOf({ recentDeletions }, now)).toEqual({ count: 14, of: 60 });
  });

  it('are kept by the hour, at most 25 of them, however many runs delete something', () => {
    let recentDeletions: ReturnType<typeof deletionsAfter> = [];
    for (let minute = 0; minute < 60 * 48; minute += 5)
      recentDeletions = deletionsAfter(
        { recentDeletions: recentDeletions ?? [], runConfirmDeletions: false },
        counts(1),
        now + minute * 60_000,
      );
    expect(recentDeletions?.length).toBeGreaterThan(20);
    expect(recentDeletions?.length).toBeLessThanOrEqual(25);
  });

  it('are not counted where a person confirmed them, nor is what came before', () => {
    const recentDeletions = [{ at: now - hour, count: 9, of: 60 }];
    expect(deletionsAfter({ recentDeletions, runConfirmDeletions: true }, counts(20), now)).toEqual([]);
    expect(deletionsAfter({ recentDeletions, runConfirmDeletions: false }, counts(0), now)).toBeUndefined();
  });
});
