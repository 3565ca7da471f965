import { describe, expect, it } from 'vitest';
import { isClean, judgeByValue } from '../../lib/mirror/judge.ts';
import { rejectionReasons } from '../../lib/mirror/rejection-reason.ts';

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const ref = 'refs/heads/x';
const update = { ref, old: a, new: b };
const create = { ref, old: null, new: b };
const remove = { ref, old: a, new: null };

function answer(unpack: string | undefined, refs: readonly (readonly [string, string | undefined])[] = [], words: readonly string[] = []) {
  return { report: unpack === undefined ? undefined : { unpack, refs: new Map(refs) }, words };
}

describe('a report', () => {
  it.each([
    ['that says ok of all', answer('ok', [[ref, undefined]]), true],
    ['that leaves one out', answer('ok', []), false],
    ['that refuses one', answer('ok', [[ref, 'hook declined']]), false],
    ['of a pack that was not stored', answer('index-pack failed', [[ref, undefined]]), false],
    ['that is missing', answer(undefined), false],
  ])('%s is clean: %#', (_name, given, expected) => expect(isClean(given, [update])).toBe(expected));
});

describe('the value that the target lists afterwards', () => {
  it.each([
    ['the new one', update, b, 'done'],
    ['the old one', update, a, undefined],
    ['another', update, c, 'raced'],
    ['none, of an update', update, undefined, 'raced'],
    ['the new one, of a creation', create, b, 'done'],
    ['none, of a creation', create, undefined, undefined],
    ['another, of a creation', create, c, 'raced'],
    ['none, of a deletion', remove, undefined, 'done'],
    ['the old one, of a deletion', remove, a, undefined],
    ['another, of a deletion', remove, c, 'raced'],
  ])('is %s', (_name, command, value, state) => {
    expect(judgeByValue(command, new Map(value === undefined ? [] : [[ref, value]]))?.state).toBe(state);
  });
});

describe('the reason of a rejection', () => {
  it.each([
    [answer('ok', [[ref, 'hook declined']], ['no tabs', 'please']), 'hook declined: no tabs | please'],
    [answer('ok', [[ref, 'hook declined']]), 'hook declined'],
    [answer(undefined, [], ['fatal: gone']), 'fatal: gone'],
    [answer(undefined), 'the target ended without a report'],
    [answer('ok', [[ref, undefined]]), 'the target reported no error but did not move the ref'],
  ])('%# is the words of the target where it had any', (given, expected) =>
    expect(rejectionReasons([update], given)(update)).toBe(expected),
  );
});
