import { expect, it } from 'vitest';
import { testSeed } from '../support/fixed-seed.ts';
import { crashPoints } from './crash-points.ts';
import { downtime } from './downtime.ts';
import { endpointFaults } from './endpoint-faults.ts';
import { neighbours } from './neighbours.ts';
import { outage } from './outage.ts';
import { storm } from './storm.ts';
import type { FaultClass } from './torture-part.ts';

/** `npm run torture` takes another one in every run. */
const seed = testSeed;

it.each([crashPoints, endpointFaults, storm, outage, downtime, neighbours])(
  'No promise is broken in a little of $name',
  async ({ run }) => {
    const classes: FaultClass[] = [];
    await run({ seed, cases: 100, minutes: 0, isQuick: true, report: (result) => void classes.push(result) });
    expect({ seed, breaches: classes.flatMap(({ fault, breaches }) => breaches.map((breach) => `${fault}: ${breach}`)) }).toEqual({
      seed,
      breaches: [],
    });
    expect(classes.reduce((sum, { injected }) => sum + injected, 0)).toBeGreaterThanOrEqual(3);
  },
);
