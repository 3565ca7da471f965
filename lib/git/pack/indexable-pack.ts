/** Whether a pack may be indexed here at all: a few kilobytes of it can inflate to gigabytes, by compression and by deltas of deltas. */
import { setImmediate } from 'node:timers/promises';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { deltaSizes } from './delta.ts';
import { type PackEntry, readPackEntries } from './pack-entries.ts';

const pieceBytes = 256 * 1024;

/**
 * Walks through all entries, inflating one at a time. Throws `history_too_large` where what an index has to hold or to work through is beyond the limits,
 * `pack_corrupt` where an entry is not as long as it says or there are more or fewer than `objects`, and the signal's reason. SHA-1 only.
 */
export async function assertIndexable(pack: Uint8Array, objects: number, signal: AbortSignal): Promise<void> {
  const bytes = pieces(pack, signal);
  const inMemory = { objects, bytes, cancel: async () => {} };
  let heldBytes = 0;
  let baseBytes = 0;
  const onEntry = (entry: PackEntry): void => {
    const sizes = sizesOf(entry);
    heldBytes += entry.bytes + sizes.resultBytes;
    baseBytes += sizes.baseBytes;
    if (Math.max(entry.bytes, sizes.resultBytes) > limits.historyObjectBytes)
      throw tooLarge(`An object has more than ${limits.historyObjectBytes} bytes`);
    if (heldBytes > limits.historyInflatedBytes) throw tooLarge(`Inflated it has more than ${limits.historyInflatedBytes} bytes`);
    if (baseBytes > limits.historyDeltaBaseBytes) throw tooLarge('It has too many deltas of large objects');
  };
  await readPackEntries(inMemory, { format: 'sha1', maxBytes: () => limits.historyObjectBytes, onEntry });
}

function sizesOf({ type, content }: PackEntry): { readonly resultBytes: number; readonly baseBytes: number } {
  const isDelta = type === 'ofs-delta' || type === 'ref-delta';
  return isDelta && content !== undefined ? deltaSizes(content) : { resultBytes: 0, baseBytes: 0 };
}

/** Other jobs of the process have their turn between two pieces. */
async function* pieces(pack: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < pack.length; at += pieceBytes) {
    await setImmediate();
    signal.throwIfAborted();
    yield pack.subarray(at, at + pieceBytes);
  }
}

function tooLarge(why: string): GitferryError {
  return new GitferryError('history_too_large', { detail: `${why}.` });
}
