import { describe, expect, it } from 'vitest';
import type { ProjectContents } from '../../lib/model/records.ts';
import { createProjectCache } from '../../lib/webhook/project-cache.ts';
import { aProject } from './samples.ts';

/** Projects with even numbers exist. Counts questions. */
function setUp() {
  const asked: number[] = [];
  let now = 1_000_000;
  let failing = false;
  const cache = createProjectCache({
    projects: {
      async contents(id): Promise<ProjectContents | undefined> {
        asked.push(id);
        await Promise.resolve();
        if (failing) throw new Error('down');
        return id % 2 === 0 ? { project: aProject({ id }), mirrors: [], hooks: [] } : undefined;
      },
    },
    clock: { now: () => now, random: () => 0 },
  });
  return {
    cache,
    asked,
    pass(ms: number) {
      now += ms;
    },
    fail(value: boolean) {
      failing = value;
    },
  };
}

describe('createProjectCache', () => {
  it.each([
    ['a project', 2],
    ['a number without a project', 3],
  ])('asks once for %s while the answer is young enough', async (_, id) => {
    const { cache, asked, pass } = setUp();
    await cache.read(id, 1000);
    pass(1000);
    await cache.read(id, 1000);
    expect(asked).toEqual([id]);
    pass(1);
    await cache.read(id, 1000);
    expect(asked).toEqual([id, id]);
  });

  it('asks once for all who ask at the same time', async () => {
    const { cache, asked } = setUp();
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.read(2, 1000)));
    expect(asked).toEqual([2]);
    expect(new Set(answers).size).toBe(1);
  });

  it('does not believe what it knows from the future', async () => {
    const { cache, asked, pass } = setUp();
    await cache.read(2, 1000);
    pass(-3_600_000);
    await cache.read(2, 1000);
    expect(asked).toEqual([2, 2]);
  });

  it('keeps no failure', async () => {
    const { cache, asked, fail } = setUp();
    fail(true);
    await expect(cache.read(2, 1000)).rejects.toThrow('down');
    fail(false);
    expect((await cache.read(2, 1000))?.project.id).toBe(2);
    expect(asked).toEqual([2, 2]);
  });

  it('lets floods of made-up numbers drive out no project', async () => {
    const { cache, asked } = setUp();
    await cache.read(2, 1000);
    for (let id = 1; id < 20_000; id += 2) await cache.read(id, 1000);
    asked.length = 0;
    await cache.read(2, 1000);
    expect(asked).toEqual([]);
    await cache.read(1, 1000);
    expect(asked).toEqual([1]);
  });

  it('forgets the projects that were read longest ago when there are too many', async () => {
    const { cache, asked } = setUp();
    for (let id = 2; id <= 2_400; id += 2) await cache.read(id, 1000);
    asked.length = 0;
    await cache.read(2_400, 1000);
    expect(asked).toEqual([]);
    await cache.read(2, 1000);
    expect(asked).toEqual([2]);
  });
});
