import { expect, it } from 'vitest';
import { hostileServers } from './hostile-servers.ts';
import type { FaultClass } from './torture-part.ts';

it('Git servers that lie, flood and stall end in a coded error, in bounded time and memory, and move nothing', async () => {
  const classes: FaultClass[] = [];
  await hostileServers.run({ seed: 1, cases: 1, minutes: 0, isQuick: true, report: (result) => void classes.push(result) });
  expect(classes.flatMap(({ fault, breaches }) => breaches.map((breach) => `${fault}: ${breach}`))).toEqual([]);
  expect(classes.length).toBeGreaterThan(12);
});
