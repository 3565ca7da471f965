import { expect, it } from 'vitest';
import { hostileNeighbours } from './hostile-neighbours.ts';
import type { FaultClass } from './torture-part.ts';

it('SSH servers that flood and stall do not hold up the mirrors of others in the same process, nor take its memory', {
  timeout: 120_000,
}, async () => {
  const classes: FaultClass[] = [];
  await hostileNeighbours.run({ seed: 1, cases: 1, minutes: 0, isQuick: true, report: (result) => void classes.push(result) });
  expect(classes.flatMap(({ fault, breaches }) => breaches.map((breach) => `${fault}: ${breach}`))).toEqual([]);
  expect(classes).toHaveLength(2);
});
