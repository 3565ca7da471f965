import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../../lib/core/error-catalogue.ts';

interface DocumentedError {
  readonly code: string;
  readonly disposition: string;
  readonly sentence: string;
  readonly hint: string;
}

/** Rows of the tables whose first cell is a code: | `code` | disposition | sentence | hint |. */
function documentedErrors(document: string): DocumentedError[] {
  const rows = document.split('\n').map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|')));
  return rows
    .filter((cells) => cells.length === 6 && /^`[a-z_]+`$/.test(cells[1] ?? ''))
    .map(([, code = '', disposition = '', sentence = '', hint = '']) => ({ code: code.slice(1, -1), disposition, sentence, hint }));
}

const documented = documentedErrors(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8'));
const codes = Object.keys(errorCatalogue) as ErrorCode[];

describe('docs/errors.md', () => {
  it('has every code of the catalogue once, in its order, and no other', () => {
    expect(codes.length).toBeGreaterThan(40);
    expect(documented.map(({ code }) => code)).toEqual(codes);
  });

  it.each(codes)('says of %s what the catalogue says', (code) => {
    expect(documented.find((row) => row.code === code)).toEqual({ code, ...errorCatalogue[code] });
  });
});

describe('the catalogue', () => {
  it.each(codes)('writes %s as one plain sentence, with a hint for a person', (code) => {
    const { sentence, hint } = errorCatalogue[code];
    // A colon announces the refs that follow.
    expect(sentence).toMatch(/^\S.*[.:]$/);
    expect(hint).toMatch(/^\S.*\.$/);
    expect(`${sentence}${hint}`).not.toMatch(/\n/);
  });
});
