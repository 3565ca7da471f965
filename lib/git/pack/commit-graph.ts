/** Commits and their parents out of a pack, by ids that are computed here, and walks along them: the proof that one commit is contained in another. */
import { setImmediate } from 'node:timers/promises';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { type ObjectType, parentsOf } from './git-object.ts';
import type { IncomingPack } from './incoming-pack.ts';
import { readPackObjects } from './pack-objects.ts';

/** Object id → parents. Each id was computed over the commit that came. */
export type CommitGraph = ReadonlyMap<Oid, readonly Oid[]>;

export interface GraphOptions {
  readonly format: ObjectFormat;
  /** Ends the reading where it is aborted. */
  readonly signal: AbortSignal;
  /** Hears of each commit when it is in the graph; true = enough was read. */
  onCommit?(oid: Oid, graph: CommitGraph): boolean;
}

/** Why a history cannot be read to its end; part of a sentence. */
type GraphLimits = Readonly<Record<'historyCommits' | 'historyBytes' | 'historyInflatedBytes' | 'historyObjectBytes', number>>;

const commits: ReadonlySet<ObjectType> = new Set(['commit']);
const pieceBytes = 256 * 1024;

/**
 * Reads the commits of a pack and passes over all else. A commit that cannot be put together is not in the graph, and then no walk leads through it.
 * Throws `history_too_large` beyond the limits, `pack_corrupt`, and what the pack's stream throws.
 */
export async function readCommitGraph(pack: IncomingPack, options: GraphOptions, most: GraphLimits = limits): Promise<CommitGraph> {
  const { format, signal, onCommit } = options;
  const graph = new Map<Oid, readonly Oid[]>();
  let inflatedBytes = 0;
  const onObject = ({ oid, content }: { readonly oid: Oid; readonly content: Buffer }): void => {
    inflatedBytes += content.length;
    if (inflatedBytes > most.historyInflatedBytes) throw tooLarge(`Inflated it has more than ${most.historyInflatedBytes} bytes`);
    const parents = parentsOf(content, format);
    if (parents === undefined) return;
    if (graph.size === most.historyCommits) throw tooLarge(`It has more than ${most.historyCommits} commits`);
    graph.set(oid, parents);
    if (onCommit?.(oid, graph) === true) throw new Enough();
  };
  try {
    const bytes = inPieces(pack.bytes, signal, most.historyBytes);
    await readPackObjects({ ...pack, bytes }, { format, types: commits, maxBytes: most.historyObjectBytes, onObject });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return graph;
}

class Enough extends Error {}

/** Counts, and lets other jobs of the process have their turn in between. */
async function* inPieces(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal, mostBytes: number): AsyncGenerator<Uint8Array, void> {
  let [total, turnAt] = [0, pieceBytes];
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    total += chunk.length;
    if (total > mostBytes) throw tooLarge(`It has more than ${mostBytes} bytes`);
    if (total > turnAt) {
      turnAt = total + pieceBytes;
      await setImmediate();
    }
    yield chunk;
  }
}

function tooLarge(why: string): GitferryError {
  return new GitferryError('history_too_large', { detail: `${why}.` });
}

/** A walk from one commit along parents, which looks for others. It can begin before all of the graph is there. */
export class Walk {
  readonly #graph: CommitGraph;
  readonly #reached = new Set<Oid>();
  readonly #wanted: Set<Oid>;
  readonly #found = new Set<Oid>();

  /** Goes as far as the graph leads now. */
  constructor(graph: CommitGraph, from: Oid, wanted: Iterable<Oid>) {
    this.#graph = graph;
    this.#wanted = new Set(wanted);
    this.#reach(from);
    this.#follow([from]);
  }

  /** Goes on through a commit that came into the graph since. */
  continueAt(oid: Oid): void {
    if (this.#reached.has(oid)) this.#follow([oid]);
  }

  /** What the walk has met of what was wanted: each is a chain of computed ids. */
  get found(): ReadonlySet<Oid> {
    return this.#found;
  }

  get isDone(): boolean {
    return this.#found.size === this.#wanted.size;
  }

  #follow(queue: Oid[]): void {
    for (let oid = queue.pop(); oid !== undefined && !this.isDone; oid = queue.pop()) {
      for (const parent of this.#graph.get(oid) ?? []) if (this.#reach(parent)) queue.push(parent);
    }
  }

  /** Whether it was not reached before. */
  #reach(oid: Oid): boolean {
    if (this.#reached.has(oid)) return false;
    this.#reached.add(oid);
    if (this.#wanted.has(oid)) this.#found.add(oid);
    return true;
  }
}

/** Is `commit` contained in `within`? */
interface Containment {
  readonly commit: Oid;
  readonly within: Oid;
}

/** Walks for groups of questions, each within one value. What comes back says of a question whether a chain was found. */
export async function walkAll(
  graph: CommitGraph,
  groups: readonly (readonly Containment[])[],
): Promise<(question: Containment) => boolean> {
  const found = new Map<Oid, ReadonlySet<Oid>>();
  for (const group of groups) {
    const within = group[0]?.within;
    if (within === undefined || !graph.has(within)) continue;
    // Hundreds of walks through a long history: others have their turn in between.
    await setImmediate();
    const wanted = group.map(({ commit }) => commit);
    found.set(within, new Walk(graph, within, wanted).found);
  }
  return ({ commit, within }) => found.get(within)?.has(commit) === true;
}
