/** Long work on the event loop in short turns: after each, everything else that waits goes first. */
import { setImmediate } from 'node:timers/promises';

export class Turns {
  readonly #turnMs: number;
  #spentMs = 0;
  #begun = performance.now();

  constructor(turnMs: number) {
    this.#turnMs = turnMs;
  }

  /** Milliseconds of work, without the pauses. */
  get spentMs(): number {
    return this.#spentMs + performance.now() - this.#begun;
  }

  /** To be called after each small piece of work; what it returns is to be awaited, and is undefined as long as this turn lasts. */
  pause(): Promise<void> | undefined {
    const now = performance.now();
    if (now - this.#begun < this.#turnMs) return undefined;
    this.#spentMs += now - this.#begun;
    return setImmediate().then(() => {
      this.#begun = performance.now();
    });
  }
}
