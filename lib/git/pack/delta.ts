/** Applies git's deltas: instructions that copy from a base or insert (gitformat-pack(5), "Deltified representation"). */
import { GitferryError } from '../../core/errors.ts';

/** The sizes that a delta says its base and its result have, without applying it. Throws `pack_corrupt`. */
export function deltaSizes(delta: Uint8Array): { readonly baseBytes: number; readonly resultBytes: number } {
  return readSizes(delta);
}

/** Throws `pack_corrupt` if the delta is damaged or made for another base. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const { baseBytes, resultBytes, at: start } = readSizes(delta);
  if (baseBytes !== base.length) throw corrupt('a delta has another base');
  // All of it is written, or it is not given out.
  const result = Buffer.allocUnsafe(resultBytes);
  let written = 0;
  for (let at = start; at < delta.length; ) {
    const instruction = delta[at++] ?? 0;
    if (instruction === 0) throw corrupt('an instruction is unknown');
    const isInsert = (instruction & 0x80) === 0;
    const {
      offset,
      size,
      at: next,
    } = isInsert ? { offset: at, size: instruction, at: at + instruction } : copyFields(delta, at, instruction);
    const from = isInsert ? delta : base;
    if (offset + size > from.length) throw corrupt(isInsert ? 'a delta ends early' : 'a delta copies from beyond its base');
    if (written + size > resultBytes) throw corrupt('a delta makes too much');
    from.copy(result, written, offset, offset + size);
    written += size;
    at = next;
  }
  if (written !== resultBytes) throw corrupt('a delta makes too little');
  return result;
}

/** Which bytes of offset (four) and size (three) follow is in the instruction's low bits. */
function copyFields(delta: Uint8Array, start: number, instruction: number): { offset: number; size: number; at: number } {
  let at = start;
  const next = (bit: number, factor: number): number => {
    if ((instruction & bit) === 0) return 0;
    const byte = delta[at++];
    if (byte === undefined) throw corrupt('a delta ends early');
    return byte * factor;
  };
  const offset = next(1, 1) + next(2, 0x100) + next(4, 0x10000) + next(8, 0x1000000);
  const size = next(16, 1) + next(32, 0x100) + next(64, 0x10000);
  return { offset, size: size === 0 ? 0x10000 : size, at };
}

function readSizes(delta: Uint8Array): { baseBytes: number; resultBytes: number; at: number } {
  const base = readSize(delta, 0);
  const result = readSize(delta, base.at);
  return { baseBytes: base.size, resultBytes: result.size, at: result.at };
}

function readSize(delta: Uint8Array, start: number): { size: number; at: number } {
  let size = 0;
  let factor = 1;
  for (let at = start; ; ) {
    const byte = delta[at++];
    if (byte === undefined || factor > 2 ** 42) throw corrupt('a delta ends early');
    size += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) return { size, at };
  }
}

function corrupt(why: string): GitferryError {
  return new GitferryError('pack_corrupt', { detail: `In it, ${why}.` });
}
