/** Byte streams cut up as a test wants them, and what came of reading one. */
import fc from 'fast-check';
import type { ErrorCode } from '../../lib/core/error-catalogue.ts';
import { GitferryError } from '../../lib/core/errors.ts';

/** The bytes in pieces of these sizes, taken in turn; in one piece without sizes. */
export async function* cut(bytes: Uint8Array, sizes: readonly number[] = [Math.max(1, bytes.length)]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Sizes for `cut`: tiny, empty and large pieces mixed; the last is never empty, so that a stream ends. */
export const pieceSizes: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.array(fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 70_000 })), { maxLength: 6 }),
    fc.integer({ min: 1, max: 50 }),
  )
  .map(([sizes, last]) => [...sizes, last]);

export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

export type Settled<T> = { readonly value: T } | { readonly code: ErrorCode; readonly message: string };

/** The value, or the code of the GitferryError; any other error fails the test. */
export async function settled<T>(work: Promise<T> | (() => T | Promise<T>)): Promise<Settled<T>> {
  try {
    return { value: await (typeof work === 'function' ? work() : work) };
  } catch (error) {
    if (!(error instanceof GitferryError)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** The code of the GitferryError that this ends with; undefined if it ends well. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<ErrorCode | undefined> {
  const result = await settled(work);
  return 'code' in result ? result.code : undefined;
}
