import { describe, expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.ts';
import { NameFilter } from '../../lib/mirror/name-filter.ts';
import { turnsDuring } from '../support/turns-during.ts';

/** As a regex does at worst: works for longer than one turn. */
function slowly(): boolean {
  const end = performance.now() + limits.turnMs + 1;
  while (performance.now() < end);
  return false;
}

const names = Array.from({ length: 12 }, (_, index) => `branch-${index}`);

describe('a filter of names', () => {
  it.each([
    ['remembering them', (filter: NameFilter) => filter.prepare(names)],
    ['looking for one that matches', (filter: NameFilter) => filter.matchesAny(names, 60_000)],
  ])('lets everything else have its turn while it matches many, %s', async (_, work) => {
    expect(await turnsDuring(() => work(new NameFilter('it', slowly)))).toBeGreaterThanOrEqual(names.length);
  });

  it('ends when it has worked too long', async () => {
    await expect(new NameFilter('mirror_tags', slowly).matchesAny(names, 10)).rejects.toMatchObject({
      code: 'filter_too_costly',
      message: expect.stringContaining('mirror_tags'),
    });
  });

  it('asks once for each name', async () => {
    const asked: string[] = [];
    const filter = new NameFilter('it', (name) => asked.push(name) === 1);
    await filter.prepare(names);
    await filter.prepare(names);
    expect([filter.matches('branch-0'), filter.matches('branch-1')]).toEqual([true, false]);
    expect(asked).toEqual(names);
  });
});
