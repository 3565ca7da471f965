/** How much memory ref lists may take, in one account for all runs of a process: lines are counted while they arrive, so that a list ends in an error before the process does. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';

/** Counts one line of a list by its length in bytes. Throws `advertisement_too_large` when the run's lists alone get too large, `memory_short` when those of others leave no room for it. */
export type CountLine = (lineBytes: number) => void;

/** One repository's part of a run's lists. */
export interface ListShare {
  /** A list begins; what the last one of this repository took is free again. */
  begin(): CountLine;
}

/** The lists of one run. */
export interface RunLists {
  share(): ListShare;
  /** The run is over: what it took is free again, and nothing more is counted. */
  close(): void;
}

const MiB = 1024 * 1024;

/** What is left for lists in a function of `memoryMiB` (as AWS_LAMBDA_FUNCTION_MEMORY_SIZE says), all its runs together; undefined = no limit of its own. */
export function listBytesFor(memoryMiB: number | undefined): number | undefined {
  return memoryMiB === undefined ? undefined : Math.max(memoryMiB - limits.listReservedMiB, limits.listLeastMiB) * MiB;
}

export class ListMemory {
  readonly #maxBytes: number;
  #takenBytes = 0;

  /** `maxBytes` of memory; undefined = without a limit. */
  constructor(maxBytes: number | undefined) {
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY;
  }

  /** A run begins; whoever opens closes. */
  open(): RunLists {
    let runBytes = 0;
    let isOpen = true;
    const take = (bytes: number): void => {
      runBytes += bytes;
      this.#takenBytes += bytes;
    };
    return {
      share: () => {
        let ownBytes = 0;
        return {
          begin: () => {
            if (isOpen) take(-ownBytes);
            ownBytes = 0;
            return (lineBytes) => {
              if (!isOpen) return;
              const bytes = limits.listBytesPerRef + limits.listBytesPerByte * lineBytes;
              ownBytes += bytes;
              take(bytes);
              if (runBytes > this.#maxBytes) throw this.#tooLarge();
              // Small lists go on whatever others do: a few large ones must not hold up everybody.
              if (this.#takenBytes > this.#maxBytes && runBytes > limits.listKeptBytes) throw new GitferryError('memory_short');
            };
          },
        };
      },
      close: () => {
        take(-runBytes);
        isOpen = false;
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
