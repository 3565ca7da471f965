import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLines } from '../../lib/core/printable.ts';

describe('What strangers say', () => {
  it.each([
    ['colours', 'a \u001b[1;31mred\u001b[0m word', 'a red word'],
    ['line breaks', 'a\r\nb\tc', 'a  b c'],
    ['control characters', 'a\u0000b\u0007c\u007fd\u009be', 'a⟨U+0000⟩b⟨U+0007⟩c⟨U+007F⟩d⟨U+009B⟩e'],
    ['changes of direction', 'a\u202eb\u202cc\u2066d\u2069e', 'a⟨U+202E⟩b⟨U+202C⟩c⟨U+2066⟩d⟨U+2069⟩e'],
    ['line separators', 'a\u2028b\u2029c', 'a⟨U+2028⟩b⟨U+2029⟩c'],
    ['zero-width characters', 'ma\u200bin ma\u2060in \ufeffmain', 'ma⟨U+200B⟩in ma⟨U+2060⟩in ⟨U+FEFF⟩main'],
    ['letters drawn as nothing', 'a\u00ad\u3164\ufe0f\u034f', 'a⟨U+00AD⟩⟨U+3164⟩⟨U+FE0F⟩⟨U+034F⟩'],
    ['tags', 'a\u{e0041}', 'a⟨U+E0041⟩'],
    ['halves of pairs', 'a\ud800', 'a⟨U+D800⟩'],
  ])('shows its %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(printable(shown)).toBe(shown);
  });

  it.each(['größe', 'שלום', '写真', 'e\u0301', '👩💻', 'a "quoted" <b> & \\ /'])('keeps %s', (text) => {
    expect(printable(text)).toBe(text);
  });

  it('keeps its lines where they are wanted', () => {
    expect(printableLines('a\nb\u202e\n')).toBe('a\nb⟨U+202E⟩\n');
  });
});

describe('JSON', () => {
  it('is escaped where nothing would be seen', () => {
    expect(printableJson({ 'a\u202e': 'b\u009b\u{e0041}\n\u200d' })).toBe('{"a\\u202e":"b\\u009b\\udb40\\udc41\\n\\u200d"}');
  });

  it('is exact, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = printableJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u);
      }),
    );
  });
});
