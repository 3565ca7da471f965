import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuessLimit, senderOf } from '../../../lib/api/http/guess-limit.ts';
import { limits } from '../../../lib/core/limits.ts';
import { startTestConsole, type TestConsole } from '../../support/console.ts';

const { guessBurst, guessMs, guessKnownTokens } = limits;

describe('the limit of guesses', () => {
  it('lets a sender guess some, then one in a while, and as before after a pause', () => {
    const guesses = createGuessLimit();
    const start = 1_800_000_000_000;
    const guess = (now: number): number => {
      const waitMs = guesses.waitMs('192.0.2.1', 'x', now);
      if (waitMs === 0) guesses.wrong('192.0.2.1', 'x', now);
      return waitMs;
    };
    expect(Array.from({ length: guessBurst }, () => guess(start)).every((waitMs) => waitMs === 0)).toBe(true);
    expect(guess(start)).toBe(guessMs);
    expect(guess(start + guessMs - 1)).toBe(1);
    expect(guess(start + guessMs)).toBe(0);
    expect(guess(start + guessMs)).toBe(guessMs);
    const later = start + (guessBurst + 5) * guessMs;
    expect(Array.from({ length: guessBurst + 1 }, () => guess(later) > 0).filter(Boolean)).toHaveLength(1);
  });

  it('keeps out neither others nor what was right lately, and forgets the oldest of those', () => {
    const guesses = createGuessLimit();
    guesses.right('oldest');
    guesses.right('good');
    for (let index = 0; index < 1_000; index++) guesses.wrong('192.0.2.1', 'x', 0);
    expect(guesses.waitMs('192.0.2.1', 'good', 0)).toBe(0);
    expect(guesses.waitMs('192.0.2.1', 'new', 0)).toBeGreaterThan(0);
    // One other in 4,096 shares its bucket.
    const others = Array.from({ length: 100 }, (_, index) => guesses.waitMs(`198.51.100.${index}`, 'new', 0));
    expect(others.filter((waitMs) => waitMs > 0).length).toBeLessThan(5);
    for (let index = 1; index < guessKnownTokens; index++) guesses.right(`token ${index}`);
    expect(guesses.waitMs('192.0.2.1', 'oldest', 0)).toBeGreaterThan(0);
    // Deleted or expired meanwhile.
    guesses.wrong('203.0.113.1', 'good', 0);
    expect(guesses.waitMs('192.0.2.1', 'good', 0)).toBeGreaterThan(0);
  });

  it.each([
    ['', undefined],
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '10.0.0.1, made up,192.0.2.1 '],
    ['2001:db8:1:2', '2001:db8:1:2:3:4:5:6'],
    ['2001:db8:1:2', '2001:0DB8:0001:0002::9'],
    ['2001:db8:0:0', '2001:db8::1'],
    ['0:0:0:0', '::1'],
  ])('knows %s by %s', (sender, header) => {
    expect(senderOf(new Headers(header === undefined ? {} : { 'x-forwarded-for': header }))).toBe(sender);
  });
});

describe('wrong tokens', () => {
  let site: TestConsole;
  beforeAll(async () => {
    site = await startTestConsole();
  });
  afterAll(() => site.close());

  const projects = (token: string, sender: string) => site.api.call('GET', '/projects', { token, headers: { 'x-forwarded-for': sender } });
  const signIn = (token: string, sender: string) => site.browser().post('/sign-in', { token }, { headers: { 'x-forwarded-for': sender } });

  it('are refused more and more slowly to who sends them, at the API and the console alike, and to nobody else', async () => {
    const [old, fresh] = [site.api.ownerToken, await site.api.newToken('reporter')];
    expect((await projects(old, '198.51.100.9')).status).toBe(200);
    const answers = [];
    for (let index = 0; index < guessBurst; index++) {
      const wrong = `gf_wrong-${index}`;
      answers.push(index % 2 === 0 ? (await projects(wrong, '192.0.2.1')).status : (await signIn(wrong, '192.0.2.1')).status);
    }
    expect(new Set(answers)).toEqual(new Set([401, 403]));

    const { result, calls } = await site.api.countTableCalls(() => signIn('gf_wrong', '192.0.2.1'));
    expect([result.status, calls]).toEqual([429, 0]);
    expect(Number(result.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(result.text).toContain('Too many wrong tokens');
    // A right one is no way to find out either, as long as it was not used here.
    const refused = await projects(fresh, '192.0.2.1');
    expect([refused.status, refused.body, Number(refused.headers.get('retry-after')) > 0]).toEqual([
      429,
      { message: '429 Too Many Requests' },
      true,
    ]);

    expect((await projects(old, '192.0.2.1')).status).toBe(200);
    expect((await signIn(fresh, '203.0.113.7')).status).toBe(303);
    expect((await projects('gf_wrong', '203.0.113.7')).status).toBe(401);
  });
});
