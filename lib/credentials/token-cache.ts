/** Temporary tokens of this process, by what they are for: one is asked for at a time, and used until shortly before its end. */
import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';

export interface TemporaryValue<T> {
  readonly value: T;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

interface Entry {
  readonly asked: Promise<TemporaryValue<unknown>>;
}

export class TokenCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /**
   * What is known under `key` and lasts for some minutes yet, else what `load` resolves with. `refused`: the value that a host does not take any more;
   * whoever has got another one meanwhile keeps that. A failure is not remembered.
   */
  async get<T>(key: string, { refused, load }: { readonly refused?: T | undefined; load(): Promise<TemporaryValue<T>> }): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      const { value, expiresAt } = (await known.asked) as TemporaryValue<T>;
      const lasts = expiresAt - this.#clock.now() > limits.tokenMarginMs;
      if (lasts && (refused === undefined || value !== refused)) return value;
      // Somebody else may have asked for a new one while this waited.
      const newer = this.#entries.get(key);
      if (newer !== undefined && newer !== known) return (await newer.asked).value as T;
    }
    return this.#load(key, load);
  }

  async #load<T>(key: string, load: () => Promise<TemporaryValue<T>>): Promise<T> {
    const entry: Entry = { asked: load() };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= limits.cachedTokens) break;
      this.#entries.delete(oldest);
    }
    try {
      return (await entry.asked).value as T;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }
}
