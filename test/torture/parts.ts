/** The parts of `npm run torture`, in the order in which they run. */
import { crashPoints } from './crash-points.ts';
import { downtime } from './downtime.ts';
import { endpointFaults } from './endpoint-faults.ts';
import { eventLoop } from './event-loop.ts';
import { functionCrashes } from './function-crashes.ts';
import { fuzz } from './fuzz.ts';
import { hostileNeighbours } from './hostile-neighbours.ts';
import { hostileServers } from './hostile-servers.ts';
import { neighbours } from './neighbours.ts';
import { outage } from './outage.ts';
import { proofTiming } from './proof-timing.ts';
import { slices } from './slices.ts';
import { parallelRelays, soak } from './soak.ts';
import { storm } from './storm.ts';
import type { TorturePart } from './torture-part.ts';
import { webhookLoad } from './webhook-load.ts';
import { workerLists } from './worker-lists.ts';

export const tortureParts: readonly TorturePart[] = [
  crashPoints,
  functionCrashes,
  endpointFaults,
  storm,
  neighbours,
  outage,
  downtime,
  webhookLoad,
  parallelRelays,
  soak,
  fuzz,
  eventLoop,
  hostileServers,
  hostileNeighbours,
  workerLists,
  proofTiming,
  slices,
];
