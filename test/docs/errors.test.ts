import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../../lib/core/error-catalogue.ts';

interface DocumentedError {
  readonly code: string;
  readonly disposition: string;
  readonly sentence: string;
  readonly why: string;
  readonly hint: string;
}

/** A heading with code and disposition, then what happened, why, and what to do, a line each. */
const entry =
  /^### `(?<code>[a-z_]+)` \((?<disposition>[a-z]+)\)\n\n- What happened: (?<sentence>.+)\n- Why: (?<why>.+)\n- What to do: (?<hint>.+)$/gm;

function documentedErrors(document: string): DocumentedError[] {
  return [...document.matchAll(entry)].map(({ groups }) => ({ ...groups }) as unknown as DocumentedError);
}

const documented = documentedErrors(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8'));
const codes = Object.keys(errorCatalogue) as ErrorCode[];

describe('docs/errors.md', () => {
  it('has every code of the catalogue once, in its order, and no other', () => {
    expect(codes.length).toBeGreaterThan(40);
    expect(documented.map(({ code }) => code)).toEqual(codes);
    expect(new Set(documented.map(({ why }) => why)).size).toBe(codes.length);
  });

  it.each(codes)('says of %s what the catalogue says', (code) => {
    expect(documented.find((row) => row.code === code)).toEqual({ code, ...errorCatalogue[code], why: expect.stringMatching(/^\S.*\.$/) });
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
