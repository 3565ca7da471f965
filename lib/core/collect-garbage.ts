/** Frees the memory of buffers that were passed on, sooner than V8 would by itself. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/** Made when it is needed first, and kept. */
let collect: Collect | undefined;

/**
 * Collects what was allocated lately (a millisecond). V8 goes by the size of its own objects: the few bytes that stand for a buffer of 64 KB let
 * dozens of megabytes of dead buffers gather before it looks. Does nothing where this V8 has no such function.
 */
export function collectYoungGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    const gc: unknown = runInNewContext('globalThis.gc');
    collect = typeof gc === 'function' ? (gc as Collect) : () => {};
  }
  collect({ type: 'minor' });
}
