/** A bounded cache of promises: readers of one key share a call, failures are not kept, the least recently used goes first. */
import type { Clock } from '../core/clock.ts';

export interface ExpiringCache<T> {
  /** What `load` gave at most `maxAgeMs` ago; `fresh` always loads. */
  get(key: string, how: { readonly fresh: boolean; readonly load: () => Promise<T> }): Promise<T>;
  /** Also keeps a load that is under way from being kept. */
  drop(key: string): void;
}

export function createExpiringCache<T>({
  maxAgeMs,
  maxEntries,
  clock,
}: {
  readonly maxAgeMs: number;
  readonly maxEntries: number;
  readonly clock: Clock;
}): ExpiringCache<T> {
  const entries = new Map<string, { readonly at: number; readonly value: Promise<T> }>();

  return {
    get(key, { fresh, load }) {
      const known = entries.get(key);
      // A map keeps its order of insertion: taken out and put in again, the entry is the youngest.
      entries.delete(key);
      const age = known === undefined ? Number.NaN : clock.now() - known.at;
      // A clock that was set back does not make it younger.
      const isUsable = !fresh && age >= 0 && age < maxAgeMs;
      const entry = isUsable && known !== undefined ? known : { at: clock.now(), value: load() };
      entries.set(key, entry);
      if (entry !== known) {
        entry.value.catch(() => {
          if (entries.get(key) === entry) entries.delete(key);
        });
      }
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break;
        entries.delete(oldest);
      }
      return entry.value;
    },

    drop(key) {
      entries.delete(key);
    },
  };
}
