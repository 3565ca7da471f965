import { expect, it } from 'vitest';
import { runsPerHost } from '../../../lib/jobs/hosts/host-places.ts';

it.each([
  ['a deployment with defaults', 8, 24, 8],
  ['a small account', 8, 6, 2],
  ['the fewest workers that Lambda allows', 8, 2, 1],
  ['a setting below the third', 3, 24, 3],
  ['more workers than the setting needs', 8, 200, 8],
])('One host gets at most a third of the workers: %s', (_, maxRunsPerHost, workers, most) => {
  expect(runsPerHost({ maxRunsPerHost }, workers)).toBe(most);
});
