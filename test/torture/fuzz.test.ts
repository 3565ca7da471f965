import { expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import type { FaultClass } from './torture-part.ts';

/** Another one in every run: a failure names it. `npm run torture` takes 100,000 cases for each. */
const seed = Date.now() % 1_000_000_000;
const cases = 150;

it('No codec or parser answers hostile input with anything but an answer or a coded refusal', async () => {
  const classes: FaultClass[] = [];
  await fuzz.run({ seed, cases, minutes: 0, isQuick: true, report: (result) => void classes.push(result) });
  expect({ seed, breaches: classes.flatMap(({ fault, breaches }) => breaches.map((breach) => `${fault}: ${breach}`)) }).toEqual({
    seed,
    breaches: [],
  });
  expect(classes.length).toBeGreaterThan(30);
});
