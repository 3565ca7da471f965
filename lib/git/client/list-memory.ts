/** How much memory the ref lists of one run may take: lines are counted while they arrive, so that a list ends in an error before the process does. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';

/** Counts one line of a list by its length in bytes. Throws `advertisement_too_large` when the run's lists together get too large. */
export type CountLine = (lineBytes: number) => void;

/** One repository's part of a run's lists. */
export interface ListShare {
  /** A list begins; what the last one of this repository took is free again. */
  begin(): CountLine;
}

const MiB = 1024 * 1024;

/** What is left for lists in a function of `memoryMiB` (as AWS_LAMBDA_FUNCTION_MEMORY_SIZE says) while `runs` runs share it; undefined = no limit of its own. */
export function listBytesFor(memoryMiB: number | undefined, runs: number): number | undefined {
  if (memoryMiB === undefined) return undefined;
  return (Math.max(memoryMiB - limits.listReservedMiB, limits.listLeastMiB) * MiB) / Math.max(runs, 1);
}

export class ListMemory {
  readonly #maxBytes: number;
  #takenBytes = 0;

  /** `maxBytes` of memory; undefined = without a limit. */
  constructor(maxBytes: number | undefined) {
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY;
  }

  share(): ListShare {
    let ownBytes = 0;
    return {
      begin: () => {
        this.#takenBytes -= ownBytes;
        ownBytes = 0;
        return (lineBytes) => {
          const bytes = limits.listBytesPerRef + limits.listBytesPerByte * lineBytes;
          ownBytes += bytes;
          this.#takenBytes += bytes;
          if (this.#takenBytes > this.#maxBytes) throw this.#tooLarge();
        };
      },
    };
  }

  #tooLarge(): GitferryError {
    const mebibytes = Math.floor(this.#maxBytes / MiB);
    return new GitferryError('advertisement_too_large', {
      detail: `It needs more than the ${mebibytes} MB of memory that there are for lists.`,
    });
  }
}
