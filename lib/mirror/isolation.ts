/** How refs that were refused together are tried in parts, and how much that may cost. */
import { limits } from '../core/limits.ts';
import { statedLimit } from '../core/stated-limit.ts';
import type { PushCommand } from '../git/wire/push-request.ts';

export interface RefusedPush {
  /** Those whose refs did not move. */
  readonly commands: readonly PushCommand[];
  readonly words: string;
  /** The target said nothing and stopped in the middle: the first that did not move is the culprit. */
  readonly stoppedAtFirst: boolean;
  /** The culprits of this push are known and not among them. */
  readonly culpritsKnown: boolean;
}

/** Bounded by pushes, by pushes since something moved, by time, and by the bytes that refused parts cost: twice those of the pack that was refused first. */
export class Isolation {
  readonly #until: number;
  #pushes = 0;
  #inVain = 0;
  #allowedBytes: number | undefined;
  #bytes = 0;

  constructor(remainingMs: number) {
    this.#until = performance.now() + remainingMs * limits.isolationTimeShare;
  }

  /** A push was refused that cost so many bytes. */
  refused(bytes: number): void {
    if (this.#allowedBytes === undefined) this.#allowedBytes = Math.max(limits.isolationLeastBytes, 2 * bytes);
    else this.#bytes += bytes;
    this.#pushes++;
    this.#inVain++;
  }

  /** A part was accepted: it pays to go on. */
  moved(): void {
    this.#inVain = 0;
  }

  get mayGoOn(): boolean {
    return (
      this.#pushes <= limits.isolationPushes &&
      this.#inVain <= limits.isolationPushesInVain &&
      this.#bytes <= (this.#allowedBytes ?? limits.isolationLeastBytes) &&
      performance.now() < this.#until
    );
  }

  /** The parts to try, most useful first; one ref that was refused alone has none. */
  parts({ commands, words, stoppedAtFirst, culpritsKnown }: RefusedPush): readonly (readonly PushCommand[])[] {
    if (commands.length === 0 || (commands.length === 1 && !culpritsKnown)) return [];
    const limit = statedLimit(words);
    if (limit?.kind === 'ref updates' && limit.max !== undefined && limit.max < commands.length) return chunks(commands, limit.max);
    if (stoppedAtFirst) return [commands.slice(0, 1), commands.slice(1)];
    // The default branch comes first of those that bring objects, and carries most of them: the rest then needs little.
    const first = this.#pushes > 1 ? undefined : commands.find((command) => command.new !== null);
    if (first !== undefined) return [[first], commands.filter((command) => command !== first)].filter((part) => part.length > 0);
    return chunks(commands, Math.ceil(commands.length / 2));
  }
}

function chunks(commands: readonly PushCommand[], size: number): PushCommand[][] {
  const parts: PushCommand[][] = [];
  for (let at = 0; at < commands.length; at += Math.max(size, 1)) parts.push(commands.slice(at, at + Math.max(size, 1)));
  return parts;
}
