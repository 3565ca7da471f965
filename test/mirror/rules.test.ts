import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { compileRules, defaultRules, type MirrorRules } from '../../lib/mirror/rules.ts';

const compile = (rules: Partial<MirrorRules>) => compileRules({ ...defaultRules, ...rules });
const protect = (...protectedBranches: string[]) => compile({ onlyProtectedBranches: true, protectedBranches });

async function failure(rules: Partial<MirrorRules>): Promise<GitferryError> {
  const error = await compile(rules).catch((thrown: unknown) => thrown);
  if (error instanceof GitferryError) return error;
  throw new Error('it was accepted');
}

describe('a pattern of the protected list', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'Main', false],
    ['main', 'mainline', false],
    ['main', 'my/main', false],
    ['*', 'any/thing', true],
    ['*-stable', '12-0/x-stable', true],
    ['*-stable', '-stable', true],
    ['*-stable', 'x-stable2', false],
    ['release/*', 'release/1/2', true],
    ['release/*', 'release/', true],
    ['release/*', 'release', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['a**b', 'ab', true],
    ['v1.0', 'v1x0', false],
    ['[ab]+', 'a', false],
    ['[ab]+', '[ab]+', true],
    ['', 'main', false],
  ])('%j on %j says %j', async (pattern, name, matches) => {
    expect((await protect(pattern)).branchMatches(name)).toBe(matches);
  });

  it('agrees with a reference that turns stars into a regular expression', async () => {
    const word = fc.array(fc.constantFrom('a', 'b', '/', '.', '*', '?', '('), { maxLength: 8 }).map((letters) => letters.join(''));
    await fc.assert(
      fc.asyncProperty(word, word, async (pattern, name) => {
        const reference = new RegExp(
          `^${pattern
            .split('*')
            .map((part) => part.replace(/[.?(]/g, '\\$&'))
            .join('[^]*')}$`,
        );
        expect((await protect(pattern)).branchMatches(name)).toBe(reference.test(name));
      }),
      { numRuns: 500 },
    );
  });

  it('is matched in linear time', async () => {
    const rules = await protect(`${'*a'.repeat(2000)}b`);
    const started = performance.now();
    expect(rules.branchMatches('a'.repeat(100_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('is one of several, and an empty list matches nothing', async () => {
    expect((await protect('main', 'release/*')).branchMatches('release/1')).toBe(true);
    expect((await protect()).branchMatches('main')).toBe(false);
  });

  it('counts only while the filter is on', async () => {
    expect((await compile({ protectedBranches: ['main'] })).branchMatches('other')).toBe(true);
  });
});

describe('a regex', () => {
  it.each([
    ['feat', 'my-feature', true],
    ['^feat', 'my-feature', false],
    ['feature$', 'my-feature', true],
    ['^(main|release/.*)$', 'release/1', true],
    ['(?i)MAIN', 'main', true],
    ['^.$', 'ü', true],
    ['', 'anything', true],
    ['\\p{L}+', 'é', true],
  ])('%j is unanchored on branch %j: %j', async (branchRegex, name, matches) => {
    expect((await compile({ branchRegex })).branchMatches(name)).toBe(matches);
  });

  it('selects tags by their short name and leaves branches alone', async () => {
    const rules = await compile({ tags: { regex: '^v\\d' } });
    expect([rules.tagMatches('v1'), rules.tagMatches('nightly'), rules.branchMatches('nightly')]).toEqual([true, false, true]);
  });

  it.each([
    ['lookahead', 'a(?=b)', '(?='],
    ['negative lookahead', '^(?!wip)', '(?!'],
    ['lookbehind', '(?<=a)b', '(?<'],
    ['backreference', '(a)\\1', '\\1'],
    ['an open group', '(a', '(a'],
    ['an open class', '[a', '[a'],
  ])('with %s is refused with the part that cannot be read', async (_what, regex, part) => {
    for (const rules of [{ branchRegex: regex }, { tags: { regex } }]) {
      const error = await failure(rules);
      expect(error.code).toBe('invalid_regex');
      expect(error.message).toContain(part);
    }
  });

  it.each([
    ['letters', 'a'],
    ['letters of two UTF-16 units', '😀'],
  ])('may have 255 characters and not 256 (%s)', async (_what, letter) => {
    expect((await compile({ branchRegex: letter.repeat(255) })).branchMatches(letter.repeat(255))).toBe(true);
    expect((await failure({ branchRegex: letter.repeat(256) })).code).toBe('regex_too_long');
    expect((await failure({ tags: { regex: letter.repeat(256) } })).code).toBe('regex_too_long');
  });

  it.each([
    ['a repetition of repetitions', '(.{1,30}){1,30}'.repeat(17), '(.{1,30}){1,30}'],
    ['many repetitions', '.{1,1000}'.repeat(25), '.{1,1000}'],
    ['one that RE2 would still take', '^(a?b?){500}$', '(a?b?){500}'],
    ['many large classes', '\\pL'.repeat(85), ''],
  ])('with %s is refused with the part that is repeated', async (_what, regex, part) => {
    for (const rules of [{ branchRegex: regex }, { tags: { regex } }]) {
      const error = await failure(rules);
      expect(error.code).toBe('filter_too_costly');
      expect(error.message).toContain(part);
    }
  });

  it.each(['^[0-9a-f]{7,40}$', '^.{1,255}$', '^(main|release/\\d{1,4}(\\.\\d{1,4}){0,3})$', '^\\pL{1,40}$'])(
    '%s is taken',
    async (branchRegex) => {
      await expect(compile({ branchRegex })).resolves.toBeDefined();
    },
  );

  it('does not go with the protected list, even an empty one', async () => {
    expect((await failure({ onlyProtectedBranches: true, branchRegex: '.' })).code).toBe('filters_exclusive');
    expect((await failure({ onlyProtectedBranches: true, branchRegex: '' })).code).toBe('filters_exclusive');
  });
});

describe('matching many names', () => {
  it('says what matching one by one says', async () => {
    const rules = await compile({ branchRegex: '^feat', tags: { regex: '^v' } });
    const refs = ['refs/heads/feature', 'refs/heads/v1', 'refs/tags/v1', 'refs/tags/feat', 'refs/notes/feat'];
    await rules.prepare(refs);
    expect([rules.branchMatches('feature'), rules.branchMatches('v1'), rules.tagMatches('v1'), rules.tagMatches('feat')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    const verdicts = refs.map((ref) => rules.matchesAny([ref], 1000));
    expect(await Promise.all(verdicts)).toEqual([true, false, true, false, false]);
  });

  it('looks at names of 64 KB no longer than at names that can be mirrored', async () => {
    const rules = await compile({ branchRegex: 'c$' });
    expect(rules.branchMatches(`${'a'.repeat(2000)}c`)).toBe(false);
  });
});

describe('tags', () => {
  it.each([
    ['all', true],
    ['none', false],
  ] as const)('%s', async (tags, matches) => {
    expect((await compile({ tags })).tagMatches('v1')).toBe(matches);
  });
});
