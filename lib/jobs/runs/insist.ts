/** A write that is tried again as long as there is sense in it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';

const writeRetries = { shortestMs: 250, longestMs: 10_000 };

export interface Insisting {
  /** After so long a wait nobody would want it any more. */
  isVain(waitMs: number): boolean;
  readonly clock: Clock;
  /** Tries; without it there is no end but `isVain`. */
  readonly most?: number;
}

/** Rejects with the last failure. */
export async function insist<T>(work: () => Promise<T>, { isVain, clock, most = Number.POSITIVE_INFINITY }: Insisting): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const waitMs = backoffMs(attempt, writeRetries, clock);
      if (attempt + 1 >= most || isVain(waitMs)) throw error;
      await sleep(waitMs);
    }
  }
}
