/** Runs contenders by turns, so that a slow minute of the machine hits all of them, and sums up each by medians. */
import type { Cost } from './measure.ts';

export interface Contender {
  readonly name: string;
  /** Before each of its turns, not measured. */
  prepare?(): Promise<void>;
  run(): Promise<Cost>;
  /** After each of its turns, not measured: throws if the work was not done, and clears up. */
  finish?(): Promise<void>;
}

export interface Summary {
  readonly name: string;
  readonly runs: number;
  readonly wallMs: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  readonly cpuMs: number | undefined;
  /** The highest of all runs, not the median. */
  readonly peakBytes: number | undefined;
}

/** `beforeRound` runs before every round, not measured. Who begins changes from round to round. */
export async function contest(
  contenders: readonly Contender[],
  { runs, beforeRound }: { readonly runs: number; beforeRound?(round: number): Promise<void> },
): Promise<Summary[]> {
  const costs = contenders.map((): Cost[] => []);
  for (let round = 0; round < runs; round++) {
    await beforeRound?.(round);
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length;
      const contender = contenders[index] as Contender;
      await contender.prepare?.();
      costs[index]?.push(await contender.run());
      await contender.finish?.();
    }
  }
  return contenders.map(({ name }, index) => summarise(name, costs[index] ?? []));
}

function summarise(name: string, costs: readonly Cost[]): Summary {
  const walls = costs.map(({ wallMs }) => wallMs);
  const cpus = costs.flatMap(({ cpuMs }) => cpuMs ?? []);
  const peaks = costs.flatMap(({ peakBytes }) => peakBytes ?? []);
  return {
    name,
    runs: costs.length,
    wallMs: median(walls),
    fastestMs: Math.min(...walls),
    slowestMs: Math.max(...walls),
    cpuMs: cpus.length === 0 ? undefined : median(cpus),
    peakBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}
