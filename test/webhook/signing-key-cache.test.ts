import { describe, expect, it } from 'vitest';
import { createSigningKeyCache } from '../../lib/webhook/signing-key-cache.ts';
import { webhookLimits } from '../../lib/webhook/webhook-limits.ts';

function setUp() {
  let now = 1_000_000;
  const state = { asked: 0, failing: false };
  const read = createSigningKeyCache({
    secrets: {
      async signingKey() {
        state.asked += 1;
        await Promise.resolve();
        if (state.failing) throw new Error('down');
        return 'key';
      },
    },
    clock: { now: () => now, random: () => 0 },
  });
  return {
    read,
    state,
    pass(ms: number) {
      now += ms;
    },
  };
}

describe('createSigningKeyCache', () => {
  it('asks once for all who ask at the same time, and again only after minutes', async () => {
    const { read, state, pass } = setUp();
    expect(await Promise.all([read(), read(), read()])).toEqual(['key', 'key', 'key']);
    await read();
    expect(state.asked).toBe(1);
    pass(webhookLimits.signingKeyMs + 1);
    await read();
    expect(state.asked).toBe(2);
  });

  it('goes on with the key it has while Secrets Manager is down', async () => {
    const { read, state, pass } = setUp();
    await read();
    state.failing = true;
    pass(webhookLimits.signingKeyMs + 1);
    expect(await read()).toBe('key');
  });

  it('fails while it never had the key, and asks again', async () => {
    const { read, state } = setUp();
    state.failing = true;
    await expect(read()).rejects.toThrow('down');
    state.failing = false;
    expect(await read()).toBe('key');
  });
});
