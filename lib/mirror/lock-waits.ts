/** The waits of a run for a target that is busy: there is not much to be had in one run. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Deadline } from '../core/deadline.ts';
import { limits } from '../core/limits.ts';

export class LockWaits {
  readonly #deadline: Deadline;
  readonly #left: number[] = [...limits.lockWaitsMs];

  constructor(deadline: Deadline) {
    this.#deadline = deadline;
  }

  /** Whether some time has passed. */
  async next(): Promise<boolean> {
    const ms = this.#left.shift();
    if (ms === undefined || this.#deadline.remainingMs() < 2 * ms) return false;
    try {
      await wait(ms, undefined, { signal: this.#deadline.signal });
      return true;
    } catch {
      return false;
    }
  }
}
