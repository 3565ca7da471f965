/** Which ref names git accepts, and how they are shortened. */
import { limits } from '../core/limits.ts';

export const branchPrefix = 'refs/heads/';
export const tagPrefix = 'refs/tags/';

// biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids exactly these, git-check-ref-format(1)
const forbidden = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$|\.lock(\/|$)|(^|\/)\./;

/** What is wrong with a full ref name (`refs/...`) by the rules of git-check-ref-format(1), or undefined if git accepts it. */
export function refNameFault(name: string): string | undefined {
  if (Buffer.byteLength(name) > limits.refNameBytes) return `the name is longer than ${limits.refNameBytes} bytes`;
  if (name.includes('\ufffd')) return 'the name is not UTF-8';
  if (forbidden.test(name) || name === '@' || !name.startsWith('refs/')) return 'git does not accept this ref name';
  return undefined;
}

/** `refs/heads/main` → `main`, `refs/tags/v1` → `v1`; other names stay. */
export function shortRefName(name: string): string {
  if (name.startsWith(branchPrefix)) return name.slice(branchPrefix.length);
  if (name.startsWith(tagPrefix)) return name.slice(tagPrefix.length);
  return name;
}

export function isBranch(name: string): boolean {
  return name.startsWith(branchPrefix);
}

export function isTag(name: string): boolean {
  return name.startsWith(tagPrefix);
}

/** `a` and `a/b` cannot exist at once. Finds for a name one of `names` that cannot exist beside it; takes no more memory for names of many folders. */
export class NamesInTheWay {
  /** In an order in which a name is followed by all that lies below it. */
  readonly #keys: readonly string[];

  constructor(names: Iterable<string>) {
    this.#keys = Array.from(names, keyOf).sort();
  }

  /** undefined = there is none. Where `names` cannot exist beside each other, one may be missed. */
  of(ref: string): string | undefined {
    const key = keyOf(ref);
    const at = this.#firstFrom(key);
    const before = this.#keys[at - 1];
    if (before !== undefined && key.startsWith(before + below)) return nameOf(before);
    const after = this.#keys[this.#firstFrom(key + below)];
    return after?.startsWith(key + below) === true ? nameOf(after) : undefined;
  }

  #firstFrom(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Smaller than any character of a ref name, so that nothing sorts between a folder and what lies in it. */
const below = '\0';

function keyOf(name: string): string {
  // Not replaceAll: it keeps a name of a thousand folders as a thousand pieces.
  return name.split('/').join(below);
}

function nameOf(key: string): string {
  return key.split(below).join('/');
}
