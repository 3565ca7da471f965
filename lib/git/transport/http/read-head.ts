/** Looks at the first bytes of a stream before deciding what to do with it, and puts them back in front. */
import type { ByteStream } from '../../wire/pkt-reader.ts';

/** The first bytes, a little more than `maxBytes` if there are that many; `tail` is the rest then, and the caller reads or ends it. */
export async function readHead(stream: ByteStream, maxBytes: number): Promise<{ readonly head: Buffer; readonly tail?: ByteStream }> {
  const iterator = stream[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= maxBytes) {
    const { done, value } = await iterator.next();
    if (done === true) return { head: Buffer.concat(chunks) };
    chunks.push(value);
    bytes += value.length;
  }
  return { head: Buffer.concat(chunks), tail: { [Symbol.asyncIterator]: () => iterator } };
}

/** The whole stream again. Ending it ends `tail` at once, also if nothing was read yet. */
export function joined(head: Uint8Array, tail: ByteStream | undefined): ByteStream {
  const rest = tail?.[Symbol.asyncIterator]();
  let isHeadTaken = false;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      if (isHeadTaken) return rest === undefined ? { done: true, value: undefined } : rest.next();
      isHeadTaken = true;
      return { done: false, value: head };
    },
    async return() {
      isHeadTaken = true;
      await rest?.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
