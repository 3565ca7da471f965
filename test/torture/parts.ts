/** The parts of `npm run torture`, in the order in which they run. */
import { crashPoints } from './crash-points.ts';
import type { TorturePart } from './torture-part.ts';

export const tortureParts: readonly TorturePart[] = [crashPoints];
