/** Sends a history that is too large for one push in slices, oldest first. Each slice is kept by a ref at the target: the checkpoint of this run and of the next. */
import { limits } from '../../core/limits.ts';
import type { Oid } from '../../git/object-id.ts';
import type { PushCommand } from '../../git/wire/push-request.ts';
import type { RelayResult } from '../relay.ts';
import { cutFirstParents, cutHistory, type HistoryCut, reaches } from './cut-history.ts';
import type { SliceSize } from './slice-size.ts';

/** Where slices lie: outside of branches and tags, which are all that mirrors carry on. */
export const slicePrefix = 'refs/gitferry/slice/';

export interface SlicingDeps {
  /** The commits that `wants` have and the target lacks, with their parents; undefined where the source does not tell, or they are too many. */
  missing(wants: readonly Oid[]): Promise<Map<Oid, readonly Oid[]> | undefined>;
  push(commands: readonly PushCommand[]): Promise<SlicePush>;
  remainingMs(): number;
}

/** What became of one push of a slice. */
export type SlicePush =
  | { readonly kind: 'done'; readonly bytes: number; readonly ms: number }
  | { readonly kind: 'too large'; readonly bytes: number; readonly statedBytes: number | undefined; readonly result: RelayResult }
  /** The target does not want this ref: hidden, a hook, a permission. */
  | { readonly kind: 'ref refused' }
  | { readonly kind: 'failed'; readonly result: RelayResult };

export type Sliced =
  /** What is left of these commands may fit now. `commands`: with the old values that branches have by now. */
  | { readonly kind: 'ready'; readonly commands: readonly PushCommand[] }
  /** This commit alone is too large. */
  | { readonly kind: 'stuck'; readonly commit: Oid; readonly needing: readonly PushCommand[] }
  /** There is not enough time for another slice. */
  | { readonly kind: 'paused' }
  /** The source does not tell which commits are missing, or there is no place for slices at the target. */
  | { readonly kind: 'not possible' }
  | { readonly kind: 'failed'; readonly result: RelayResult };

export class Slicing {
  readonly #deps: SlicingDeps;
  readonly #size: SliceSize;
  /** Numbers of the slices that the target has. */
  #lastNumber: number;
  #onBranch = false;
  readonly #made: { readonly ref: string; readonly oid: Oid }[] = [];
  #pushed = 0;
  /** Commits that were refused alone: not sent again. */
  readonly #tooLarge = new Set<Oid>();

  /** `existing`: slice refs that the target lists, made by earlier runs. */
  constructor(existing: readonly string[], size: SliceSize, deps: SlicingDeps) {
    this.#deps = deps;
    this.#size = size;
    this.#lastNumber = Math.max(0, ...existing.map(numberOf));
  }

  /** Slice refs of this run. */
  get made(): readonly { readonly ref: string; readonly oid: Oid }[] {
    return this.#made;
  }

  /** How many slices were pushed in this run. */
  get pushed(): number {
    return this.#pushed;
  }

  /** Pushes slices until what is left of `commands` is expected to fit into one push. */
  async run(commands: readonly PushCommand[], { wasRefused }: { readonly wasRefused: boolean }): Promise<Sliced> {
    const values = [...new Set(commands.flatMap(({ new: value }) => value ?? []))];
    if (values.length === 0) return { kind: 'ready', commands };
    const missing = await this.#deps.missing(values);
    if (missing === undefined || missing.size === 0) return wasRefused ? { kind: 'not possible' } : { kind: 'ready', commands };
    // What tags name is a head of what is missing, unless a branch has it too.
    const wants = [...values, ...headsOf(missing)];
    for (const commit of this.#tooLarge) {
      const needing = needingOf(commands, missing, commit);
      if (needing.length > 0) return { kind: 'stuck', commit, needing };
    }
    const [only] = missing.keys();
    if (missing.size === 1 && only !== undefined)
      return wasRefused ? { kind: 'stuck', commit: only, needing: commands } : { kind: 'ready', commands };
    this.#size.begin(missing.size);
    return this.#onBranch ? this.#alongBranch(commands, missing) : this.#asSlices(commands, wants, missing);
  }

  async #asSlices(commands: readonly PushCommand[], wants: readonly Oid[], missing: Map<Oid, readonly Oid[]>): Promise<Sliced> {
    for (;;) {
      const cut = this.#cut(missing, wants);
      if (cut.rest === 0 && this.#size.isMeasured) return { kind: 'ready', commands };
      if (!this.#size.fits(this.#deps.remainingMs())) return { kind: 'paused' };
      const created = this.#sliceCommands(cut);
      const push = await this.#deps.push(created);
      if (push.kind === 'done') {
        for (const { ref, new: oid } of created) if (oid !== null) this.#made.push({ ref, oid });
        this.#arrived(missing, cut, push);
        continue;
      }
      if (push.kind === 'ref refused') {
        this.#onBranch = true;
        return this.#alongBranch(commands, missing);
      }
      const end = this.#afterRefusal(commands, missing, cut, push);
      if (end !== undefined) return end;
    }
  }

  /** Oldest first on one of the branches themselves: one that is created, and the default branch, which comes first, last. */
  async #alongBranch(commands: readonly PushCommand[], missing: Map<Oid, readonly Oid[]>): Promise<Sliced> {
    const candidates = commands.filter(({ old, new: value, ref }) => old === null && value !== null && ref.startsWith('refs/heads/'));
    let branch = candidates.at(-1);
    if (branch?.new === null || branch === undefined) return { kind: 'not possible' };
    const tip = branch.new;
    const now = (): PushCommand[] => commands.map((command) => (command.ref === branch?.ref ? { ...command, old: branch.old } : command));
    for (;;) {
      const cut = cutFirstParents(missing, tip, this.#size.commits);
      const [head] = cut.heads;
      if (cut.rest === 0 || head === undefined) return { kind: 'ready', commands: now() };
      if (!this.#size.fits(this.#deps.remainingMs())) return { kind: 'paused' };
      const push = await this.#deps.push([{ ref: branch.ref, old: branch.old, new: head }]);
      if (push.kind === 'done') {
        branch = { ...branch, old: head };
        this.#arrived(missing, cut, push);
        continue;
      }
      if (push.kind === 'ref refused') return { kind: 'not possible' };
      const end = this.#afterRefusal(now(), missing, cut, push);
      if (end !== undefined) return end;
    }
  }

  /** The end, or undefined where a smaller slice is to be tried. */
  #afterRefusal(
    commands: readonly PushCommand[],
    missing: Map<Oid, readonly Oid[]>,
    cut: HistoryCut,
    push: Extract<SlicePush, { readonly kind: 'too large' | 'failed' }>,
  ): Sliced | undefined {
    if (push.kind === 'failed') return { kind: 'failed', result: push.result };
    const [commit] = cut.heads;
    if (cut.oids.length > 1) {
      this.#size.refused({ commits: cut.oids.length, ...push });
      return undefined;
    }
    if (commit === undefined) return { kind: 'not possible' };
    this.#tooLarge.add(commit);
    return { kind: 'stuck', commit, needing: needingOf(commands, missing, commit) };
  }

  #arrived(missing: Map<Oid, readonly Oid[]>, cut: HistoryCut, { bytes, ms }: { readonly bytes: number; readonly ms: number }): void {
    this.#pushed++;
    this.#size.moved({ commits: cut.oids.length, bytes, ms });
    for (const oid of cut.oids) missing.delete(oid);
  }

  /** So that one push can name its heads. */
  #cut(missing: Map<Oid, readonly Oid[]>, wants: readonly Oid[]): HistoryCut {
    let most = this.#size.commits;
    let cut = cutHistory(missing, wants, most);
    while (cut.heads.length > limits.commandsPerPush) {
      most = Math.ceil(Math.min(most, cut.oids.length) / 2);
      cut = cutHistory(missing, wants, most);
    }
    return cut;
  }

  #sliceCommands({ heads }: HistoryCut): PushCommand[] {
    const number = ++this.#lastNumber;
    const name = (index: number): string => `${slicePrefix}${number}${index === 0 ? '' : `.${index}`}`;
    return heads.map((oid, index) => ({ ref: name(index), old: null, new: oid }));
  }
}

/** Commands whose values have this commit behind them. */
function needingOf(commands: readonly PushCommand[], missing: ReadonlyMap<Oid, readonly Oid[]>, commit: Oid): readonly PushCommand[] {
  return commands.filter(({ new: value }) => value !== null && reaches(missing, value, commit));
}

/** Missing commits that are no parent of another. */
function headsOf(missing: ReadonlyMap<Oid, readonly Oid[]>): Iterable<Oid> {
  const heads = new Set(missing.keys());
  for (const parents of missing.values()) for (const parent of parents) heads.delete(parent);
  return heads;
}

/** 12 of `refs/gitferry/slice/12` and `refs/gitferry/slice/12.3`. */
function numberOf(ref: string): number {
  const number = Number.parseInt(ref.slice(slicePrefix.length), 10);
  return Number.isSafeInteger(number) ? number : 0;
}
