import { expect, it } from 'vitest';
import { testSeed } from '../support/fixed-seed.ts';
import { eventLoop } from './event-loop.ts';
import type { FaultClass } from './torture-part.ts';

it('No request holds up the others, and bodies that never come take little memory and end with 408', async () => {
  const classes: FaultClass[] = [];
  await eventLoop.run({ seed: testSeed, cases: 1, minutes: 0, isQuick: true, report: (result) => void classes.push(result) });
  expect(classes.flatMap(({ breaches }) => breaches)).toEqual([]);
  expect(classes.length).toBe(1);
});
