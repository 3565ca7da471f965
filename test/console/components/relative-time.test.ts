import { describe, expect, it } from 'vitest';
import { exactTime, relativeTime } from '../../../lib/console/components/relative-time.tsx';

const now = Date.UTC(2031, 0, 1);
const minute = 60_000;

describe('relativeTime', () => {
  it.each([
    [0, 'just now'],
    [-10_000, 'just now'],
    [30_000, 'in a moment'],
    [-minute, '1 minute ago'],
    [-59 * minute, '59 minutes ago'],
    [-60 * minute, '1 hour ago'],
    [90 * minute, 'in 1 hour'],
    [-72 * 60 * minute, '3 days ago'],
    [-100 * 24 * 60 * minute, '3 months ago'],
    [-800 * 24 * 60 * minute, '2 years ago'],
  ])('of %i ms is %s', (difference, words) => {
    expect(relativeTime(now + difference, now)).toBe(words);
  });

  it('has an exact form', () => {
    expect(exactTime(now)).toBe('2031-01-01 00:00:00 UTC');
  });
});
