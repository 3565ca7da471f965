import { describe, expect, it } from 'vitest';
import { limits } from '../../../lib/core/limits.ts';
import { assertIndexable } from '../../../lib/git/pack/indexable-pack.ts';
import { codeOf } from '../../support/byte-streams.ts';
import { copyingDelta, type MadeEntry, makePack } from '../../support/made-pack.ts';

const { historyObjectBytes: objectBytes, historyInflatedBytes: inflatedBytes, historyDeltaBaseBytes: baseBytes } = limits;

/** A delta that says so of its base and its result; nothing here applies it. */
const delta = (statedBaseBytes: number, statedResultBytes: number): MadeEntry => ({
  type: 'ofs-delta',
  base: 0,
  content: copyingDelta(statedBaseBytes, statedResultBytes, 1),
});
const blob = (bytes: number): MadeEntry => ({ type: 'blob', content: Buffer.alloc(bytes) });
const small = blob(0);

function check(entries: readonly MadeEntry[], signal = new AbortController().signal): Promise<void> {
  return assertIndexable(makePack(entries), entries.length, signal);
}

/** Deltas that together with their results have as many bytes as an index holds; `more` of them in the last one. */
function full(more: number): MadeEntry[] {
  const whole = delta(0, objectBytes);
  const count = Math.floor(inflatedBytes / (objectBytes + whole.content.length));
  const left = inflatedBytes - count * (objectBytes + whole.content.length);
  return [small, ...Array.from({ length: count }, () => whole), blob(left + more)];
}

describe('a pack may be indexed', () => {
  it.each<[string, readonly MadeEntry[], readonly MadeEntry[]]>([
    ['an object of the largest size', [blob(objectBytes)], [blob(objectBytes + 1)]],
    ['a delta with a result of the largest size', [small, delta(0, objectBytes)], [small, delta(0, objectBytes + 1)]],
    ['all that an index holds', full(0), full(1)],
    [
      'all the bases that are put together again',
      [small, delta(baseBytes - 1, 0), delta(1, 0)],
      [small, delta(baseBytes - 1, 0), delta(2, 0)],
    ],
  ])('with %s, and not with a byte more', async (_, most, more) => {
    await expect(check(most)).resolves.toBeUndefined();
    expect(await codeOf(check(more))).toBe('history_too_large');
  });

  it('only as long as the run goes on', async () => {
    const over = new AbortController();
    over.abort(new Error('over'));
    await expect(check([small], over.signal)).rejects.toThrow('over');
  });
});
