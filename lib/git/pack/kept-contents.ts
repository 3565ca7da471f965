/** The latest contents of a pack, by where they begin in it: in a few large buffers, because thousands of small ones cost the garbage collector more than reading them. */

const slabBytes = 256 * 1024;
/** 32 MiB. */
const mostSlabs = 128;
/** What each takes beside its content: a pack of tiny blobs has millions. */
const besideContentBytes = 16;
/** The largest content that fits. */
export const mostKeptBytes = slabBytes - besideContentBytes;

export interface KeptContent {
  readonly offset: number;
  /** A part of a larger buffer that stays as it is: nothing is copied. */
  readonly content: Buffer;
}

export class KeptContents {
  /** The oldest first, and where the first content of each begins; dropped ones are gone. */
  readonly #slabs: Slab[] = [];
  readonly #firsts: number[] = [];

  /** Of what was added with this offset, if it is still there. */
  at(offset: number): Buffer | undefined {
    return this.#slabs[placeOf(offset, this.#firsts)]?.at(offset);
  }

  /** Whether room has to be made for so many bytes, 256 KiB at most. */
  isFull(bytes: number): boolean {
    return this.#slabs.length === mostSlabs && this.#slabs.at(-1)?.hasRoom(bytes) !== true;
  }

  /** Copies it. Offsets come in ascending order. */
  add(offset: number, content: Buffer): void {
    let slab = this.#slabs.at(-1);
    if (slab?.hasRoom(content.length) !== true) {
      slab = new Slab();
      this.#slabs.push(slab);
      this.#firsts.push(offset);
    }
    slab.add(offset, content);
  }

  /** A 128th of the room; says what that was. */
  dropOldest(): Iterable<KeptContent> {
    this.#firsts.shift();
    return this.#slabs.shift()?.all() ?? [];
  }

  *all(): Generator<KeptContent, void> {
    for (const slab of this.#slabs) yield* slab.all();
  }
}

class Slab {
  readonly #bytes = Buffer.allocUnsafeSlow(slabBytes);
  /** Where each content begins in the pack, and ends here. */
  readonly #offsets: number[] = [];
  readonly #ends: number[] = [];

  get #usedBytes(): number {
    return this.#ends.at(-1) ?? 0;
  }

  hasRoom(bytes: number): boolean {
    return this.#usedBytes + bytes + besideContentBytes * (this.#offsets.length + 1) <= slabBytes;
  }

  add(offset: number, content: Buffer): void {
    content.copy(this.#bytes, this.#usedBytes);
    this.#ends.push(this.#usedBytes + content.length);
    this.#offsets.push(offset);
  }

  at(offset: number): Buffer | undefined {
    const place = placeOf(offset, this.#offsets);
    return this.#offsets[place] === offset ? this.#contentAt(place) : undefined;
  }

  *all(): Generator<KeptContent, void> {
    for (const [place, offset] of this.#offsets.entries()) yield { offset, content: this.#contentAt(place) };
  }

  #contentAt(place: number): Buffer {
    return this.#bytes.subarray(this.#ends[place - 1] ?? 0, this.#ends[place]);
  }
}

/** Place of the last of these ascending numbers that is at most `number`; 0 where all are greater. */
export function placeOf(number: number, numbers: readonly number[]): number {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((numbers[middle] ?? 0) <= number) low = middle;
    else high = middle - 1;
  }
  return low;
}
