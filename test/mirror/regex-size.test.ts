import RE2 from 're2';
import { describe, expect, it } from 'vitest';
import { regexSize } from '../../lib/mirror/regex-size.ts';

const limit = 1_000;

/** What a repetition repeats, where that is easily misread: RE2 itself agrees. */
describe('RE2 reads as the size does', () => {
  it.each([
    ['^a(?i){3}$', 'aaa'],
    ['^a{05}$', 'a{05}'],
    ['^a{,5}$', 'a{,5}'],
    ['^(x\\Q)\\E){2}$', 'x)x)'],
    ['^\\Qa(b\\E{2}$', 'a(bb'],
    ['^[]a]{2}$', ']a'],
    ['^[[:alpha:]()]{2}$', '(b'],
    ['^\\x{28}{3}$', '((('],
    ['^\\u0028{3}$', '((('],
  ])('%s matches %s', (pattern, name) => {
    expect(new RE2(pattern, 'u').test(name)).toBe(true);
  });
});

describe('the size of a regex', () => {
  it.each([
    ['', 0],
    ['main', 4],
    ['^release/.*$', 12],
    ['a|b', 3],
    ['(ab)', 3],
    ['(?:ab)', 3],
    ['(?P<name>ab)', 3],
    ['(?<name>ab)', 3],
    ['a*', 2],
    ['a+?', 2],
    ['a?b', 3],
    ['a{3}', 3],
    ['a{3,}', 4],
    ['a{2,5}', 8],
    ['a{0,5}?', 10],
    ['a{,5}', 5],
    ['a{05}', 5],
    ['(ab){3}{2}', 18],
    ['(.{1,30}){1,30}', 1829],
    ['((a{10}){10}){10}', 1110],
    ['(a{2}', 3],
    ['a)b', 2],
    ['(?i)a', 1],
    ['(?i:a)', 2],
    ['a{10}(?i){10}', 100],
    ['(|){10}', 20],
    ['(){10}', 10],
    ['(?:){10}{10}', 100],
    ['\\(a\\){2}', 4],
    ['\\x{28}{3}', 3],
    ['\\x28{3}', 3],
    ['\\u0028{3}', 3],
    ['\\u{28}{3}', 3],
    ['\\cA{3}', 3],
    ['\\\\{3}', 3],
    ['\\pL', 20],
    ['\\P{Greek}{2}', 40],
    ['[abc]{2}', 6],
    ['[^/]{2}', 2],
    ['[]a]{2}', 4],
    ['[^]a]{2}', 4],
    ['[\\]{]{2}', 4],
    ['[(]{2}', 2],
    ['[[:alpha:]()]{2}', 6],
    ['[\\p{L}a]', 21],
    ['\\Qa(b\\E{2}', 4],
    ['\\Q(a)*', 4],
    ['(x\\Q)\\E){3}', 9],
    ['\u{1f600}{2}', 2],
  ])('%s is %i', (pattern, size) => {
    expect(regexSize(pattern, limit).size).toBe(size);
  });

  it.each([
    ['.{1,1000}'.repeat(25), '.{1,1000}'],
    ['x(.{1,30}){1,30}y+', '(.{1,30}){1,30}'],
    [`a+${'.{1,100}'.repeat(3)}.{1,300}${'.{1,100}'.repeat(20)}`, '.{1,300}'],
    ['(x.{1,1000}){2}', '.{1,1000}'],
    ['main', undefined],
  ])('of %s blames %s', (pattern, part) => {
    expect(regexSize(pattern, limit).part).toBe(part);
  });
});
