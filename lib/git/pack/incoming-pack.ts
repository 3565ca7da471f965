/** A pack on its way through: header read, every byte hashed in passing, the trailing checksum verified before the last bytes are let go (gitformat-pack(5)). */
import { createHash } from 'node:crypto';
import { GitferryError } from '../../core/errors.ts';
import { hashBytes, type ObjectFormat } from '../object-id.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';

const headerBytes = 12;

export interface IncomingPack {
  /** Number of objects by the header. */
  readonly objects: number;
  /**
   * The whole pack, header and trailer included, to be read once. Throws `pack_corrupt` where the trailer does not fit and `pack_truncated`
   * where the stream ends early; in both cases the end of the pack is never given out, so that nobody can take it for complete.
   */
  readonly bytes: ByteStream;
  /** Ends the stream below without reading it. Safe at any time, also twice. */
  cancel(): Promise<void>;
}

/** Waits for the header. Throws `pack_corrupt` if the stream is no pack, `pack_truncated` if it ends within the header, and what the stream throws. */
export async function openPack(stream: ByteStream, format: ObjectFormat): Promise<IncomingPack> {
  const chunks = stream[Symbol.asyncIterator]();
  const cancel = async (): Promise<void> => {
    await chunks.return?.();
  };
  let head: Buffer = Buffer.alloc(0);
  while (head.length < headerBytes) {
    const { done, value } = await chunks.next();
    if (done === true) throw new GitferryError('pack_truncated', { detail: `It ended after ${head.length} bytes.` });
    head = Buffer.concat([head, value]);
  }
  const version = head.readUInt32BE(4);
  if (head.toString('latin1', 0, 4) !== 'PACK' || (version !== 2 && version !== 3)) {
    await cancel();
    throw new GitferryError('pack_corrupt', { detail: 'It does not begin like a pack.' });
  }
  return { objects: head.readUInt32BE(8), bytes: checked(head, chunks, format), cancel };
}

/** Passes bytes on, but always keeps back as many as the trailer has: they are given out only when the checksum is known to be right. */
async function* checked(head: Buffer, chunks: AsyncIterator<Uint8Array>, format: ObjectFormat): ByteStream {
  const trailerBytes = hashBytes[format];
  const hash = createHash(format);
  /** What was read and not yet given out, in order; together at least the trailer as soon as that much was read. */
  let held: Uint8Array = head;
  try {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done === true) break;
      if (value.length >= trailerBytes) {
        // The usual case: nothing is copied, the chunk before goes out whole.
        hash.update(held);
        yield held;
        held = value;
        continue;
      }
      // Servers that send tiny pieces: let go what cannot be the trailer, or all of the pack would gather here.
      const gathered = Buffer.concat([held, value]);
      const free = gathered.subarray(0, Math.max(0, gathered.length - trailerBytes));
      held = gathered.subarray(free.length);
      if (free.length === 0) continue;
      hash.update(free);
      yield free;
    }
  } finally {
    await chunks.return?.();
  }
  if (held.length < trailerBytes) throw new GitferryError('pack_truncated', { detail: 'It ended before its checksum.' });
  const end = held.length - trailerBytes;
  hash.update(held.subarray(0, end));
  if (!hash.digest().equals(held.subarray(end))) throw new GitferryError('pack_corrupt', { detail: 'Its checksum does not fit.' });
  yield held;
}
