import { describe, expect, it } from 'vitest';
import { createExpiringCache } from '../../lib/aws/expiring-cache.ts';
import { createHeldClock } from '../support/held-clock.ts';

function newCache(maxEntries = 3) {
  const clock = createHeldClock();
  const cache = createExpiringCache<string>({ maxAgeMs: 100, maxEntries, clock });
  const loads: string[] = [];
  const get = (key: string, fresh = false) =>
    cache.get(key, {
      fresh,
      load: async () => {
        loads.push(key);
        return `${key} ${loads.length}`;
      },
    });
  return { clock, cache, loads, get };
}

describe('an expiring cache', () => {
  it('loads a key once while it is young, and anew when asked for', async () => {
    const { clock, cache, get, loads } = newCache();
    expect([await get('a'), await get('a')]).toEqual(['a 1', 'a 1']);
    expect([await get('a', true), await get('a')]).toEqual(['a 2', 'a 2']);
    clock.advance(100);
    expect(await get('a')).toBe('a 3');
    cache.drop('a');
    expect(await get('a')).toBe('a 4');
    clock.advance(-1);
    expect(await get('a')).toBe('a 5');
    expect(loads).toHaveLength(5);
  });

  it('forgets the key that was not asked for the longest', async () => {
    const { get, loads } = newCache();
    for (const key of ['a', 'b', 'c', 'a', 'd', 'a', 'c', 'd']) await get(key);
    expect(loads).toEqual(['a', 'b', 'c', 'd']);
    await get('b');
    expect(loads).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  it('never holds more than its entries', async () => {
    const { get, loads } = newCache(2);
    for (let index = 0; index < 50; index++) await get(`k${index}`);
    await get('k48');
    await get('k49');
    expect(loads).toHaveLength(50);
    await get('k47');
    expect(loads).toHaveLength(51);
  });

  it('does not keep failures', async () => {
    const cache = createExpiringCache<string>({ maxAgeMs: 100, maxEntries: 1, clock: createHeldClock() });
    await expect(cache.get('a', { fresh: false, load: () => Promise.reject(new Error('no')) })).rejects.toThrow('no');
    expect(await cache.get('a', { fresh: false, load: async () => 'yes' })).toBe('yes');
  });
});
