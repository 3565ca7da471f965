/** Numbers, words and bytes that look random and are the same in every run. */
import { createCipheriv, createHash } from 'node:crypto';

export class PseudoRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** Bytes that do not compress. */
  bytes(length: number): Buffer {
    const key = createHash('sha256').update(String(this.next())).digest();
    return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(length));
  }
}

const syllables = ['ba', 'con', 'de', 'fer', 'gi', 'lo', 'mi', 'nor', 'pa', 'que', 're', 'sta', 'ti', 'u', 'ver', 'xi', 'zo'];

/** Words as in source code: a few are frequent, most are rare. */
export function createVocabulary(random: PseudoRandom, words: number): () => string {
  const vocabulary = Array.from({ length: words }, () =>
    Array.from({ length: random.integer(1, 4) }, () => random.pick(syllables)).join(''),
  );
  return () => vocabulary[Math.floor(random.next() ** 3 * vocabulary.length)] as string;
}
