import { describe, expect, it } from 'vitest';
import { isWithinBounds } from '../../lib/core/json-bounds.ts';

const fits = (json: string, levels: number, marks: number): boolean => isWithinBounds(Buffer.from(json), { levels, marks });

describe('the bounds of a JSON text', () => {
  it.each([
    ['', 0, 0],
    ['1', 0, 0],
    ['[1,2]', 1, 2],
    ['{"a":1,"b":[{}]}', 3, 6],
    ['[[],[]]', 2, 4],
    ['"[{,:"', 0, 0],
    ['["\\"[{,:","\\\\"]', 1, 2],
    ['"a', 0, 0],
    ['"\\', 0, 0],
    ['["é漢","😀"]', 1, 2],
  ])('of %s are %i levels and %i marks', (json, levels, marks) => {
    expect(fits(json, levels, marks)).toBe(true);
    if (levels > 0) expect(fits(json, levels - 1, marks)).toBe(false);
    if (marks > 0) expect(fits(json, levels, marks - 1)).toBe(false);
  });
});
