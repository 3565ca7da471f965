/** A clock that stands still until a test moves it. */
import type { Clock } from '../../lib/core/clock.ts';

export interface HeldClock extends Clock {
  advance(ms: number): void;
}

export function createHeldClock(start: number = Date.now()): HeldClock {
  let time = start;
  return {
    now: () => time,
    random: () => 0.5,
    advance(ms) {
      time += ms;
    },
  };
}
