import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseId } from '../../lib/model/parse-id.ts';

it.each([...['', '0', '-1', '+1', '01', '1.0', '1e3', '0x1', ' 1', '1\n', '١', '9007199254740992', '9'.repeat(400), 'undefined']])(
  '%j is no id',
  (text) => {
    expect(parseId(text)).toBeUndefined();
  },
);

it('is the number that is written like it, and nothing else is', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (id) => parseId(String(id)) === id));
  fc.assert(fc.property(fc.string(), (text) => parseId(text) === undefined || String(parseId(text)) === text));
});
