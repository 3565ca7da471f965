/** How long to wait before the next attempt: doubling, with jitter, between a shortest and a longest wait. */
import type { Clock } from './clock.ts';

export interface BackoffRange {
  readonly shortestMs: number;
  readonly longestMs: number;
}

/** Milliseconds. `attempt` counts from 0. The wait doubles with each attempt; up to half as much comes on top by chance, within the range. */
export function backoffMs(attempt: number, { shortestMs, longestMs }: BackoffRange, { random }: Pick<Clock, 'random'>): number {
  const doubled = shortestMs * 2 ** Math.min(attempt, 30);
  return Math.round(Math.min(doubled * (1 + random() / 2), longestMs));
}
