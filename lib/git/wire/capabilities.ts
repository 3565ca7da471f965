/** Capability lists: what a server can do, as `name` or `name=value`, gitprotocol-capabilities(5) and gitprotocol-v2(5). */

import { GitferryError } from '../../core/errors.ts';
import { type ObjectFormat, parseObjectFormat } from '../object-id.ts';

export class Capabilities {
  readonly #values = new Map<string, string[]>();

  /** From `name` and `name=value` words; a name may come several times (`symref=`). */
  constructor(words: Iterable<string>) {
    for (const word of words) {
      const at = word.indexOf('=');
      const name = at < 0 ? word : word.slice(0, at);
      if (name === '') continue;
      const values = this.#values.get(name) ?? [];
      values.push(at < 0 ? '' : word.slice(at + 1));
      this.#values.set(name, values);
    }
  }

  /** As they were given, but for their order. */
  words(): readonly string[] {
    return [...this.#values].flatMap(([name, values]) => values.map((value) => (value === '' ? name : `${name}=${value}`)));
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The first value, '' for a name without one, undefined if it is not offered. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Whether a v2 command lists this feature: `fetch=shallow filter` has `filter`. */
  hasFeature(command: string, feature: string): boolean {
    return this.value(command)?.split(' ').includes(feature) ?? false;
  }

  /** `object-format`, which is SHA-1 where it is not said. Throws `protocol_error` for a format that git does not have. */
  objectFormat(): ObjectFormat {
    const text = this.value('object-format') ?? 'sha1';
    const format = parseObjectFormat(text);
    if (format === undefined) throw new GitferryError('protocol_error', { detail: `Unknown object format ${JSON.stringify(text)}.` });
    return format;
  }
}
