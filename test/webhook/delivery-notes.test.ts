import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { createDeliveryNotes } from '../../lib/webhook/delivery-notes.ts';
import { aHook } from './samples.ts';

const start = 1_000_000_000;

function setUp() {
  let now = start;
  const noted: { readonly hook: number; readonly now: number; readonly of: string | null }[] = [];
  const logged: string[] = [];
  const state = { failing: false };
  const note = createDeliveryNotes({
    hooks: {
      async noteDelivery({ id }, { now: at, of }) {
        if (state.failing) throw new GitferryError('storage_unavailable');
        noted.push({ hook: id, now: at, of });
      },
    },
    clock: { now: () => now, random: () => 0 },
    log: { write: (_, event) => logged.push(event) },
  });
  return {
    note,
    noted,
    logged,
    state,
    pass(ms: number) {
      now += ms;
    },
  };
}

describe('createDeliveryNotes', () => {
  it('notes a delivery and whose it was, and the next one a minute later', async () => {
    const { note, noted, pass } = setUp();
    await note(aHook(), 'project');
    pass(59_999);
    await note(aHook(), 'project');
    expect(noted).toEqual([{ hook: 3, now: start, of: 'project' }]);
    pass(1);
    await note(aHook(), null);
    expect(noted.map(({ of }) => of)).toEqual(['project', null]);
  });

  it.each([
    ['another process noted one seconds ago', aHook({ lastDeliveryAt: start - 5_000 }), 0],
    ['the last one is a minute old', aHook({ lastDeliveryAt: start - 60_000 }), 1],
    ['the hook was found silent since', aHook({ lastDeliveryAt: start - 5_000, silentSince: start - 1_000 }), 1],
    ['it was found silent, but a delivery came after that', aHook({ lastDeliveryAt: start - 1_000, silentSince: start - 5_000 }), 0],
    ['the last one is said to be in the far future', aHook({ lastDeliveryAt: start + 3_600_000 }), 1],
  ])('%s', async (_, hook, times) => {
    const { note, noted } = setUp();
    await note(hook, null);
    expect(noted).toHaveLength(times);
  });

  it('keeps hooks apart', async () => {
    const { note, noted } = setUp();
    await note(aHook({ id: 1, tokenHash: 'a' }), null);
    await note(aHook({ id: 2, tokenHash: 'b' }), null);
    expect(noted.map(({ hook }) => hook)).toEqual([1, 2]);
  });

  it('does not fail when it cannot be noted, says so in the log, and tries again with the next one', async () => {
    const { note, noted, logged, state } = setUp();
    state.failing = true;
    await note(aHook(), null);
    expect(logged).toEqual(['delivery_not_noted']);
    state.failing = false;
    await note(aHook(), null);
    expect(noted).toHaveLength(1);
  });
});
