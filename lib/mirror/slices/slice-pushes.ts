/** The pushes that slices need: asks the source which commits are missing, relays each slice, and removes the refs of slices in the end. */
import type { Deadline } from '../../core/deadline.ts';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { statedLimit } from '../../core/stated-limit.ts';
import type { ReceivePack } from '../../git/client/push-pack.ts';
import type { UploadPack } from '../../git/client/upload-pack.ts';
import type { Oid } from '../../git/object-id.ts';
import { readCommitGraph } from '../../git/pack/commit-graph.ts';
import { openPack } from '../../git/pack/incoming-pack.ts';
import type { PushCommand } from '../../git/wire/push-request.ts';
import { isClean } from '../judge.ts';
import { refusalOf, wordsOf } from '../refusals.ts';
import type { RelayResult } from '../relay.ts';
import { type PushLimit, SliceSize } from './slice-size.ts';
import { type Sliced, type SlicePush, Slicing, slicePrefix } from './slicing.ts';

export interface SlicePushesInput {
  readonly source: UploadPack;
  readonly target: ReceivePack;
  /** What an earlier run has learned of this target. */
  readonly known: PushLimit | undefined;
}

export interface SlicePushesDeps {
  readonly deadline: Deadline;
  relay(commands: readonly PushCommand[]): Promise<RelayResult>;
  /** What the target has by now, most useful first. */
  haves(): readonly Oid[];
  /** The target has this value from now on. */
  onArrived(oid: Oid): void;
}

export class SlicePushes {
  readonly #input: SlicePushesInput;
  readonly #deps: SlicePushesDeps;
  readonly #size: SliceSize;
  readonly #slicing: Slicing;
  readonly #listed: readonly { readonly ref: string; readonly oid: Oid }[];

  constructor(input: SlicePushesInput, deps: SlicePushesDeps) {
    this.#input = input;
    this.#deps = deps;
    this.#size = new SliceSize(input.known);
    this.#listed = input.target.refs.flatMap(({ name, oid }) => (name.startsWith(slicePrefix) ? [{ ref: name, oid }] : []));
    this.#slicing = new Slicing(
      this.#listed.map(({ ref }) => ref),
      this.#size,
      {
        missing: (wants) => this.#missing(wants),
        push: (commands) => this.#push(commands),
        remainingMs: () => deps.deadline.remainingMs(),
      },
    );
  }

  /** An earlier run was not done with its slices, or had no time for a push as a whole: the next push would be refused as well. */
  get isUnderWay(): boolean {
    return this.#listed.length > 0 || this.#input.known?.reason === 'time';
  }

  /** Slices that were pushed in this run. */
  get pushed(): number {
    return this.#slicing.pushed;
  }

  get limit(): PushLimit | undefined {
    return this.#size.limit;
  }

  /** A push of all was refused: learns from it. */
  heed(result: RelayResult): void {
    this.#size.learn(result.bytes, statedBytes(result));
  }

  /** A push did not end in its time, after so many bytes. */
  ranOutOfTime(bytes: number): void {
    this.#size.ranOutOfTime(bytes);
  }

  run(commands: readonly PushCommand[], { wasRefused }: { readonly wasRefused: boolean }): Promise<Sliced> {
    return this.#slicing.run(commands, { wasRefused });
  }

  /** All refs are where they should be: the refs of slices go. Whether they did; what fails here is no failure of the run, the next one tries again. */
  async tidyUp(): Promise<boolean> {
    const refs = [...this.#listed, ...this.#slicing.made];
    for (let at = 0; at < refs.length; at += limits.commandsPerPush) {
      const commands = refs.slice(at, at + limits.commandsPerPush).map(({ ref, oid }) => ({ ref, old: oid, new: null }));
      const result = await this.#deps.relay(commands);
      if (result.kind === 'broken' || !isClean(result.answer, commands)) return false;
    }
    return true;
  }

  async #missing(wants: readonly Oid[]): Promise<Map<Oid, readonly Oid[]> | undefined> {
    const { source } = this.#input;
    if (!source.offersFilter) return undefined;
    const { signal } = this.#deps.deadline;
    const request = { wants, haves: this.#deps.haves(), done: true, thinPack: false, ofsDelta: true, filter: 'tree:0' };
    try {
      const answer = await source.fetch(request, { patient: true });
      try {
        const pack = await openPack(answer.pack, source.objectFormat);
        return new Map(await readCommitGraph(pack, { format: source.objectFormat, signal }));
      } finally {
        await answer.finish();
      }
    } catch (error) {
      if (!(error instanceof GitferryError) || signal.aborted) throw error;
      return undefined;
    }
  }

  async #push(commands: readonly PushCommand[]): Promise<SlicePush> {
    const startedAt = performance.now();
    const result = await this.#deps.relay(commands);
    const { bytes } = result;
    if (result.kind === 'answered' && isClean(result.answer, commands)) {
      for (const { new: oid } of commands) if (oid !== null) this.#deps.onArrived(oid);
      return { kind: 'done', bytes, ms: performance.now() - startedAt };
    }
    const [command] = commands;
    const kind = command === undefined ? 'other' : refusalOf(command, result, commands);
    if (kind === 'tooLarge') return { kind: 'too large', bytes, statedBytes: statedBytes(result), result };
    if (kind === 'ref' || kind === 'batch') return { kind: 'ref refused' };
    return { kind: 'failed', result };
  }
}

function statedBytes(result: RelayResult): number | undefined {
  const limit = statedLimit(wordsOf(result));
  return limit?.kind === 'pack size' ? limit.max : undefined;
}
