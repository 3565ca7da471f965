/** One filter of ref names, and what it said of the names of this run: RE2 takes up to milliseconds for a name, and lists have a hundred thousand. */
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { Turns } from '../core/turns.ts';

export class NameFilter {
  readonly #fits: (name: string) => boolean;
  readonly #what: string;
  readonly #known = new Map<string, boolean>();

  /** `what` names the filter in messages. */
  constructor(what: string, fits: (name: string) => boolean) {
    this.#what = what;
    // Longer names are refused whatever the filter says; some servers list names of 64 KB.
    this.#fits = (name) => fits(name.slice(0, limits.refNameBytes));
  }

  /** Asks for one name. For lists call `prepare` first: what it has seen is only looked up here. */
  matches(name: string): boolean {
    return this.#known.get(name) ?? this.#fits(name);
  }

  /** Matches and remembers these names, a few at a time: nothing else waits for all of them. Throws `filter_too_costly` after `filterMs` of work. */
  async prepare(names: Iterable<string>): Promise<void> {
    const turns = new Turns(limits.turnMs);
    for (const name of names) {
      if (!this.#known.has(name)) this.#known.set(name, this.#fits(name));
      const pause = this.#pause(turns, limits.filterMs);
      if (pause !== undefined) await pause;
    }
  }

  /** Whether any of these names matches, without remembering them. Throws `filter_too_costly` after `budgetMs` of work. */
  async matchesAny(names: Iterable<string>, budgetMs: number): Promise<boolean> {
    const turns = new Turns(limits.turnMs);
    for (const name of names) {
      if (this.matches(name)) return true;
      const pause = this.#pause(turns, budgetMs);
      if (pause !== undefined) await pause;
    }
    return false;
  }

  #pause(turns: Turns, budgetMs: number): Promise<void> | undefined {
    const pause = turns.pause();
    if (pause !== undefined && turns.spentMs > budgetMs)
      throw new GitferryError('filter_too_costly', { detail: `${this.#what} took more than ${budgetMs} ms.` });
    return pause;
  }
}
