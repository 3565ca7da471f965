import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Flash, parseFlash } from '../../lib/console/flash.ts';

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

describe('parseFlash', () => {
  it('gives back what was left', () => {
    const kinds = fc.constantFrom<Flash['kind']>('done', 'note', 'failed');
    fc.assert(
      fc.property(kinds, fc.string({ unit: 'grapheme' }), fc.option(fc.integer(), { nil: undefined }), (kind, text, at) => {
        const flash: Flash = { kind, text, ...(at === undefined ? {} : { at }) };
        expect(parseFlash(encoded(flash))).toEqual(flash);
      }),
    );
  });

  it('takes anything else for no message', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(parseFlash(value)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const flash = parseFlash(encoded(value));
        expect(flash === undefined || typeof flash.text === 'string').toBe(true);
      }),
    );
    for (const value of [null, { kind: 'done' }, { kind: 'x', text: 'y' }, { kind: 'done', text: 5 }])
      expect(parseFlash(encoded(value))).toBeUndefined();
    expect(parseFlash(encoded({ kind: 'done', text: 'x', at: 1e300 }))).toEqual({ kind: 'done', text: 'x' });
  });
});
