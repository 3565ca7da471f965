/** Round trips of a run, by the time that it takes on a line of 50 ms more than on one of none; and what goes over the line. */
import type { NarrowInput } from '../../lib/mirror/list-narrowly.ts';
import type { RunWay } from '../../lib/mirror/sync-input.ts';
import { type DelayedLink, measuredRoundTripMs, startDelayedLink } from '../support/delayed-link.ts';
import type { RemoteEnd } from '../support/ssh-sync.ts';
import { startWarmWorker, type WarmWorker } from '../support/warm-worker.ts';

const roundTripMs = 50;

export interface Line {
  readonly source: RemoteEnd;
  readonly target: RemoteEnd;
  readonly links: readonly [DelayedLink, DelayedLink];
  close(): Promise<void>;
}

export interface LineRun {
  readonly wallMs: number;
  readonly way: RunWay;
  /** Without the pack. */
  readonly bytes: number;
  readonly bytesUp: number;
  /** New connections to source and target. */
  readonly connections: readonly [number, number];
}

/** Both ends behind links of this delay. `at` says how to address an end that listens on another port. */
export async function openLine(
  ends: { readonly source: number; readonly target: number },
  at: (side: 'source' | 'target', port: number) => RemoteEnd,
  delayMs: number,
): Promise<Line> {
  const links = [await startDelayedLink(ends.source, delayMs), await startDelayedLink(ends.target, delayMs)] as const;
  return {
    source: at('source', links[0].port),
    target: at('target', links[1].port),
    links,
    async close() {
      for (const link of links) await link.close();
    },
  };
}

async function runOverLine(worker: WarmWorker, line: Line, options: readonly string[], narrow?: NarrowInput): Promise<LineRun> {
  const before = line.links.map(({ log }) => ({ ...log }));
  const startedAt = performance.now();
  const { outcome, way } = await worker.run(line.source, line.target, options, narrow);
  const wallMs = performance.now() - startedAt;
  if (outcome.outcome !== 'success') throw new Error(`a run ended as ${outcome.outcome}: ${outcome.error?.message ?? ''}`);
  const spent = line.links.map(({ log }, index) => ({
    up: log.bytesUp - (before[index]?.bytesUp ?? 0),
    down: log.bytesDown - (before[index]?.bytesDown ?? 0),
    connections: log.connections - (before[index]?.connections ?? 0),
  }));
  const [source = { up: 0, down: 0, connections: 0 }, target = { up: 0, down: 0, connections: 0 }] = spent;
  // The pack goes down from the source and up to the target.
  const bytes = source.up + source.down + target.up + target.down - 2 * outcome.bytes;
  return {
    wallMs,
    way,
    bytes,
    bytesUp: source.up + target.up - outcome.bytes,
    connections: [source.connections, target.connections],
  };
}

export interface Rounds {
  readonly warm: number;
  readonly cold: number;
  /** Of the last warm run. */
  readonly last: LineRun;
  /** New connections of the last run of a worker that had made none before. */
  readonly firstConnections: readonly [number, number];
}

/** `change` gives the next run something to do. `idleMs`: how long nothing happens before the last warm run. `narrow`: runs are those of an event of these refs. */
export async function countRounds(
  openAt: (delayMs: number) => Promise<Line>,
  {
    change,
    options = [],
    refs,
    runs,
    idleMs = 0,
  }: { change(): Promise<void>; options?: readonly string[]; refs?: readonly string[]; runs: number; idleMs?: number },
): Promise<Rounds> {
  const walls = { warm: [] as number[], cold: [] as number[] };
  let last: LineRun | undefined;
  let firstConnections: readonly [number, number] = [0, 0];
  for (const delayMs of [0, roundTripMs]) {
    const line = await openAt(delayMs);
    const worker = startWarmWorker();
    try {
      const learned = await worker.run(line.source, line.target, options);
      const { ends } = learned.way;
      if (refs !== undefined && ends === undefined) throw new Error('these ends are not for narrow runs');
      const narrow = refs === undefined || ends === undefined ? undefined : { refs, ends };
      const warm: number[] = [];
      const cold: number[] = [];
      for (let run = 0; run < runs; run++) {
        await change();
        // Once, before the very last run.
        if (delayMs > 0 && run === runs - 1) await new Promise((resolve) => setTimeout(resolve, idleMs));
        last = await runOverLine(worker, line, options, narrow);
        if (narrow !== undefined && last.way.path !== 'narrow') throw new Error(`not narrow: ${last.way.gaveUp?.reason ?? ''}`);
        warm.push(last.wallMs);
        await change();
        const fresh = startWarmWorker();
        const first = await runOverLine(fresh, line, options, narrow);
        await fresh.close();
        cold.push(first.wallMs);
        firstConnections = first.connections;
      }
      // The fastest: what slows a run down now and then is not the line.
      walls.warm.push(Math.min(...warm));
      walls.cold.push(Math.min(...cold));
    } finally {
      await worker.close();
      await line.close();
    }
  }
  if (last === undefined) throw new Error('nothing ran');
  const realMs = await measuredRoundTripMs(roundTripMs);
  // To halves: some twenty milliseconds are the machine's.
  const rounds = ([near = 0, far = 0]: readonly number[]): number => Math.round((2 * (far - near)) / realMs) / 2;
  return { warm: rounds(walls.warm), cold: rounds(walls.cold), last, firstConnections };
}
