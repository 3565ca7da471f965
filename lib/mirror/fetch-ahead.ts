/** A pack that is asked for before it is certain that it will be wanted, while something else is looked at. */
import type { IncomingPack } from '../git/pack/incoming-pack.ts';

export class FetchAhead {
  readonly #pack: Promise<IncomingPack | undefined>;
  #timer: NodeJS.Timeout | undefined;
  #isDropped = false;

  /** A pack that has begun waits this long at most: hosts end answers that nobody reads. */
  constructor(pack: Promise<IncomingPack | undefined>, longestWaitMs: number) {
    this.#pack = pack;
    const begun = (): void => {
      if (!this.#isDropped) this.#timer = setTimeout(() => this.drop(), longestWaitMs).unref();
    };
    // A failure is told to who takes it.
    pack.then(begun, () => {});
  }

  /** Once. undefined = it was dropped, to be asked for anew, or there was nothing to ask for. Throws what the fetch throws. */
  async take(): Promise<IncomingPack | undefined> {
    if (this.#isDropped) return undefined;
    const pack = await this.#pack;
    clearTimeout(this.#timer);
    return this.#isDropped ? undefined : pack;
  }

  /** Ends it without reading it. Safe at any time before it is taken, also twice. */
  drop(): void {
    this.#isDropped = true;
    clearTimeout(this.#timer);
    this.#pack.then((pack) => pack?.cancel()).catch(() => {});
  }
}
