/** The life of an update by chance: no request is lost, nothing runs twice at once, nothing stops for ever. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { type Plant, World } from './life-world.ts';
import { plants } from './planted-bugs.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.close());

/** Resent messages wait up to an hour. */
const mostMinutes = 150;
/** Some lives in each run of the tests, all others by hand: `GITFERRY_TEST_LIVES=1000`, with a seed of their own. */
const wanted = process.env['GITFERRY_TEST_LIVES'];
const numRuns = Number(wanted ?? 25);
/** A busy machine lives fewer of them. */
const mostMs = 60_000;
let cases = 0;
const seen = { lives: 0, accepted: 0, completed: 0, minutes: 0 };

async function live(choices: readonly number[], plant?: Plant): Promise<void> {
  const world = new World(aws, 1_000_000 + ++cases, plant);
  await world.open();
  try {
    for (const choice of choices) await world.act(choice);
    const minutes = await world.calm(mostMinutes);
    const problems = [...new Set(world.problems(minutes))];
    if (problems.length > 0) throw new Error(problems.join('; '));
    seen.lives++;
    seen.accepted += world.figures.accepted;
    seen.completed += world.figures.completed;
    seen.minutes = Math.max(seen.minutes, minutes ?? 0);
  } finally {
    await world.close();
  }
}

const lives = (plant?: Plant) =>
  fc.asyncProperty(fc.array(fc.nat({ max: 1_000_000 }), { minLength: 60, maxLength: 160, size: 'max' }), (choices) => live(choices, plant));

describe('the life of an update', () => {
  it(
    'follows every accepted request with a run, never has two holders of a lease, and lets no mirror wait for ever',
    async () => {
      await fc.assert(
        lives(),
        wanted === undefined
          ? { seed: 20_300_107, numRuns, interruptAfterTimeLimit: mostMs }
          : { numRuns, seed: Date.now() % 1_000_000_000 },
      );
      // Otherwise nothing much was tried.
      expect(seen.lives).toBeGreaterThan(2);
      expect(seen.accepted).toBeGreaterThan(2 * seen.lives);
      expect(seen.completed).toBeGreaterThan(seen.lives);
    },
    Math.max(240_000, numRuns * 10_000),
  );

  it.each(Object.entries(plants))('would not get by with %s', async (_, { finding, seed, ...plant }) => {
    const result = await fc.check(lives(plant), { seed, numRuns: 200, endOnFailure: true });
    expect(result.errorInstance).toMatchObject({ message: expect.stringMatching(finding) });
  });
});
