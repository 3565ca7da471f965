/** Where the objects stand that a refusal names: commit and path, out of the small pack that was refused. */
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { SmallPack } from '../git/client/small-pack.ts';
import { placesOf } from '../git/pack/object-places.ts';

const objectId = /\b[0-9a-f]{40}\b/g;

export class Culprits {
  readonly #pack: SmallPack | undefined;
  readonly #signal: AbortSignal;
  /** What was said of each object; '' = it has no path here. */
  readonly #known = new Map<string, string>();

  constructor(pack: SmallPack | undefined, signal: AbortSignal) {
    this.#pack = pack;
    this.#signal = signal;
  }

  /** For the end of a reason: ` (1234… is docs/a.txt in commit 5678…)`, or '' where the words name no file of the pack. Never throws for a pack that cannot be read. */
  async placesIn(words: string): Promise<string> {
    const named = [...new Set(words.match(objectId))].slice(0, limits.namedCulprits);
    await this.#lookUp(named.filter((oid) => !this.#known.has(oid)).slice(0, Math.max(0, limits.culpritsLookedUp - this.#known.size)));
    const said = named.map((oid) => this.#known.get(oid) ?? '').filter((each) => each !== '');
    return said.length === 0 ? '' : ` (${said.join('; ')})`;
  }

  async #lookUp(oids: readonly string[]): Promise<void> {
    if (this.#pack === undefined || oids.length === 0) return;
    for (const oid of oids) this.#known.set(oid, '');
    try {
      for (const [oid, { commit, path }] of await placesOf(oids, this.#pack, this.#signal))
        if (path !== undefined) this.#known.set(oid, `${oid} is ${path} in commit ${commit}`);
    } catch (error) {
      // The refusal stands without it.
      if (!(error instanceof GitferryError)) throw error;
    }
  }
}
