/** Sees to the items of a stream, a few at once, reading no further ahead than that. */

/** Rejects with the stream's error, or the first of `see`, when those under way have ended. Ends early when one says `stop`. */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T>,
  concurrency: number,
  see: (item: T) => Promise<'go on' | 'stop'>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let isStopped = false;
  let failure: { readonly error: unknown } | undefined;
  const seeTo = async (item: T): Promise<void> => {
    try {
      if ((await see(item)) === 'stop') isStopped = true;
    } catch (error) {
      failure ??= { error };
    }
  };
  try {
    for await (const item of items) {
      const one: Promise<void> = seeTo(item).finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= concurrency) await Promise.race(underWay);
      if (isStopped || failure !== undefined) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failure !== undefined) throw failure.error;
}
