/** The end of a push that was begun before it is certain that it may be made: what comes before the end changes nothing at the target. */
import { RequestWithdrawn } from '../git/transport/request-withdrawn.ts';

export class HeldEnd {
  readonly #givenUp = new AbortController();
  readonly #longestWaitMs: number;
  #isLetGo = false;
  #wake: (() => void) | undefined;

  /** A target waits this long for the end at most: servers end requests that do not go on. */
  constructor(longestWaitMs: number) {
    this.#longestWaitMs = longestWaitMs;
  }

  /** Aborted when the push is given up, with what its body is to throw. */
  get signal(): AbortSignal {
    return this.#givenUp.signal;
  }

  /** The end may follow what was sent. Nothing where it was given up before. */
  letGo(): void {
    this.#isLetGo = true;
    this.#wake?.();
  }

  /** The end must never be sent. Nothing where it was let go before. */
  giveUp(): void {
    if (this.#isLetGo) return;
    this.#givenUp.abort(new RequestWithdrawn('The push is to be made later.'));
    this.#wake?.();
  }

  /** For who has all but the end: resolves when it may be sent. Throws the signal's reason when it is given up, also by waiting too long. */
  async wait(): Promise<void> {
    if (!this.#isLetGo && !this.signal.aborted) {
      const timer = setTimeout(() => this.giveUp(), this.#longestWaitMs);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      clearTimeout(timer);
    }
    this.signal.throwIfAborted();
  }
}
