import { describe, expect, it } from 'vitest';
import { createProgressLine } from '../../lib/cli/progress-line.ts';

describe('the progress line', () => {
  it('shows refs, bytes and rate on one line, and is gone at the end', () => {
    const written: string[] = [];
    const line = createProgressLine({ write: (text: string) => written.push(text) });
    line.show({ phase: 'relaying', refsDone: 12, refsTotal: 323, bytes: 45_200_000 });
    line.clear();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what clears the line
    expect(written[0]).toMatch(/^\r\x1b\[Krelaying 12\/323 refs, 45\.2 MB, [0-9.]+ [kMGT]?B\/s$/);
    expect(written.at(-1)).toBe('\r\x1b[K');
  });

  it('is drawn at most ten times a second, however often it is told', () => {
    let draws = 0;
    const line = createProgressLine({ write: () => draws++ });
    for (let count = 0; count < 10_000; count++) line.show({ phase: 'relaying', refsDone: 0, refsTotal: 1, bytes: count });
    expect(draws).toBeLessThan(10);
  });
});
