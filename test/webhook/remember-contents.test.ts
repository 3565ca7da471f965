import { describe, expect, it } from 'vitest';
import type { ProjectContents } from '../../lib/model/records.ts';
import { rememberContents } from '../../lib/webhook/remember-contents.ts';

/** A table whose answers come when `release` says so, and a clock that stands still. */
function held() {
  let now = 1_000;
  let reads = 0;
  const waiting: (() => void)[] = [];
  const projects = {
    contents: () => {
      const answer = { hooks: [], mirrors: [], read: ++reads } as unknown as ProjectContents;
      return new Promise<ProjectContents>((resolve) => waiting.push(() => resolve(answer)));
    },
  };
  const remembered = rememberContents(projects, { now: () => now, random: () => 0.5 });
  return {
    ask: () => remembered.contents(1),
    forget: () => remembered.forget(),
    release: () => waiting.splice(0).map((answer) => answer()),
    pass: (ms: number) => {
      now += ms;
    },
    reads: () => reads,
  };
}

async function answered(table: ReturnType<typeof held>): Promise<unknown> {
  const answer = table.ask();
  table.release();
  return answer;
}

describe('rememberContents', () => {
  it('reads a project once in ten seconds', async () => {
    const table = held();
    for (let n = 0; n < 3; n++) await answered(table);
    expect(table.reads()).toBe(1);
    table.pass(10_001);
    await answered(table);
    expect(table.reads()).toBe(2);
  });

  it('reads it again after a change', async () => {
    const table = held();
    await answered(table);
    table.forget();
    await answered(table);
    expect(table.reads()).toBe(2);
  });

  it('does not keep what it asked for before a change and got after it', async () => {
    const table = held();
    const early = table.ask();
    table.forget();
    table.release();
    await early;
    await answered(table);
    expect(table.reads()).toBe(2);
  });

  it('does not believe an entry of the future: the clock was set back', async () => {
    const table = held();
    await answered(table);
    table.pass(-60_000);
    await answered(table);
    expect(table.reads()).toBe(2);
  });
});
