import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../lib/core/backoff.ts';

const range = { shortestMs: 100, longestMs: 1000 };

describe('backoffMs', () => {
  it.each([
    [0, 0, 100],
    [0, 0.999, 150],
    [1, 0, 200],
    [3, 0, 800],
    [3, 0.999, 1000],
    [4, 0, 1000],
    [5000, 0.5, 1000],
  ])('attempt %i with chance %d waits %i ms', (attempt, chance, ms) => {
    expect(backoffMs(attempt, range, { random: () => chance })).toBe(ms);
  });
});
