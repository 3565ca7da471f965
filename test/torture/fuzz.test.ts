import { expect, it } from 'vitest';
import { testSeed } from '../support/fixed-seed.ts';
import { fuzz } from './fuzz.ts';
import type { FaultClass } from './torture-part.ts';

/** `npm run torture` takes 100,000 for each, and another seed in every run. */
const cases = 150;
const seed = testSeed;

it('No codec or parser answers hostile input with anything but an answer or a coded refusal', async () => {
  const classes: FaultClass[] = [];
  await fuzz.run({ seed, cases, minutes: 0, isQuick: true, report: (result) => void classes.push(result) });
  expect({ seed, breaches: classes.flatMap(({ fault, breaches }) => breaches.map((breach) => `${fault}: ${breach}`)) }).toEqual({
    seed,
    breaches: [],
  });
  expect(classes.length).toBeGreaterThan(30);
});
