/** The end of a push that was begun before it is certain that it may be made: what comes before the end changes nothing at the target. */
import { RequestWithdrawn } from '../git/transport/request-withdrawn.ts';
import type { Capabilities } from '../git/wire/capabilities.ts';

/** Whether a target names itself as one of those that were seen to refuse a pack without its end and to keep nothing of it. dulwich moves the refs all the same. */
export function refusesHalfPacks(target: Capabilities): boolean {
  return /^(git|JGit)\//.test(target.value('agent') ?? '');
}

export interface HeldEndWaits {
  /** A target waits this long for the end at most: servers end requests that do not go on. */
  readonly heldMs: number;
  /** A push that is given up may take this long to come to an end in order. */
  readonly givenUpMs: number;
}

export class HeldEnd {
  readonly #givenUp = new AbortController();
  readonly #cutOff = new AbortController();
  readonly #waits: HeldEndWaits;
  #isLetGo = false;
  #patience: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;

  constructor(waits: HeldEndWaits) {
    this.#waits = waits;
  }

  /** Aborted when the push is given up, with what its body is to throw. */
  get signal(): AbortSignal {
    return this.#givenUp.signal;
  }

  /** Aborted when the target has had its time to end the push that was given up. */
  get cutOff(): AbortSignal {
    return this.#cutOff.signal;
  }

  get isLetGo(): boolean {
    return this.#isLetGo;
  }

  /** The end may follow what was sent. Nothing where it was given up before. */
  letGo(): void {
    if (this.signal.aborted) return;
    this.#isLetGo = true;
    this.#wake?.();
  }

  /** The end must never be sent. Nothing where it was let go before. */
  giveUp(): void {
    if (this.#isLetGo || this.signal.aborted) return;
    this.#givenUp.abort(new RequestWithdrawn('The push is to be made later.'));
    this.#patience = setTimeout(() => this.#cutOff.abort(this.signal.reason), this.#waits.givenUpMs);
    this.#wake?.();
  }

  /** The push has ended: there is nothing to be cut off. */
  settle(): void {
    this.giveUp();
    clearTimeout(this.#patience);
  }

  /** For who has all but the end: resolves when it may be sent. Throws the signal's reason when it is given up, also by waiting too long. */
  async wait(): Promise<void> {
    if (!this.#isLetGo && !this.signal.aborted) {
      const timer = setTimeout(() => this.giveUp(), this.#waits.heldMs);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      clearTimeout(timer);
    }
    this.signal.throwIfAborted();
  }
}
