import { describe, expect, it } from 'vitest';
import { printable } from '../../lib/core/printable.ts';

describe('What strangers say', () => {
  it.each([
    ['colours', 'a \u001b[1;31mred\u001b[0m word', 'a red word'],
    ['control characters', 'a\u0000b\u0007c\u007fd\u009be\r\nf', 'a b c d e  f'],
    ['changes of direction', 'a\u202eb\u202cc\u2066d\u2069e', 'a b c d e'],
    ['line separators', 'a\u2028b\u2029c', 'a b c'],
  ])('loses its %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it.each(['größe', 'שלום', '写真', 'e\u0301', '👩‍💻'])('keeps %s', (text) => {
    expect(printable(text)).toBe(text);
  });
});
