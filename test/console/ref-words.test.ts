import { describe, expect, it } from 'vitest';
import { byteWords, countWords, durationWords, triggerWords } from '../../lib/console/ref-words.ts';

describe('words for a run', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_440_000, '1.4 MB'],
    [123_456_789, '123 MB'],
    [5e15, '5000 TB'],
  ])('%i bytes are %s', (bytes, words) => expect(byteWords(bytes)).toBe(words));

  it.each([
    [7, '7 ms'],
    [4_210, '4.2 s'],
    [200_000, '3 min 20 s'],
  ])('%i ms are %s', (ms, words) => expect(durationWords(ms)).toBe(words));

  it('leave out what did not happen', () => {
    expect(countWords({ created: 0, forced: 1, deleted: 3 })).toBe('1 forced, 3 deleted');
  });

  it.each([
    ['event', 'github', 'An event from github'],
    ['schedule', '', 'The schedule'],
    ['manual', 'alice', 'By hand: alice'],
  ] as const)('name what asked for it: %s %s', (kind, who, words) => expect(triggerWords({ kind, who })).toBe(words));

  it('say that a run was not asked for by itself', () => {
    expect(triggerWords({ kind: 'manual', who: 'alice', retry: true })).toBe('Tried again (by hand: alice)');
    expect(triggerWords({ kind: 'event', who: '', retry: true })).toBe('Tried again (an event)');
  });
});
