/** Whether some checks differ in the time that they take, on a machine that does other things too. */
import type { PseudoRandom } from '../bench/pseudo-random.ts';

/** One check; what it is given differs from call to call where it makes that up itself. */
export type Check = () => unknown;

export interface TimeDifference {
  /** Of the check that is furthest away from the first, as a share of the first's time. */
  readonly share: number;
  /** The same, of the first from itself, measured among the others: what is below it says nothing. */
  readonly noise: number;
}

export interface Effort {
  readonly batches: number;
  /** Of each check in each batch. */
  readonly rounds: number;
}

/**
 * Each round does every check once, in an order by chance, and the first twice. A batch's medians are compared with each other only, and of the batches' shares the
 * median counts: whatever the machine does meanwhile happens to all checks, or to a few batches.
 */
export async function timeDifference(checks: readonly Check[], { batches, rounds }: Effort, random: PseudoRandom): Promise<TimeDifference> {
  const [first] = checks;
  if (first === undefined) throw new Error('nothing to compare');
  const all = [...checks, first];
  const shares = all.map(() => new Float64Array(batches));
  for (let batch = 0; batch < batches; batch++) {
    const medians = (await timesOf(all, rounds, random)).map(median);
    for (const [index, mine] of shares.entries()) mine[batch] = (medians[index] ?? 0) / (medians[0] ?? 1) - 1;
  }
  const [, ...others] = shares.map((share) => Math.abs(median(share)));
  const noise = others.pop() ?? 0;
  return { share: Math.max(0, ...others), noise };
}

/** Nanoseconds. */
async function timesOf(checks: readonly Check[], rounds: number, random: PseudoRandom): Promise<readonly Float64Array[]> {
  const times = checks.map(() => new Float64Array(rounds));
  const order = [...checks.keys()];
  for (let round = 0; round < rounds; round++) {
    shuffle(order, random);
    for (const index of order) {
      const start = process.hrtime.bigint();
      const answer = checks[index]?.();
      if (answer instanceof Promise) await answer;
      const mine = times[index];
      if (mine !== undefined) mine[round] = Number(process.hrtime.bigint() - start);
    }
  }
  return times;
}

function median(values: Float64Array): number {
  return values.slice().sort()[values.length >> 1] ?? 0;
}

function shuffle(order: number[], random: PseudoRandom): void {
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.integer(0, last);
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
}
