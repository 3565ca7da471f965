/** One run between two repositories: list both, plan (asking the source where a rule needs it), relay, judge, sum up. */
import { setImmediate } from 'node:timers/promises';
import { GitferryError, toGitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { History } from '../git/client/ask-history.ts';
import type { HistoryAnswer } from '../git/client/history-questions.ts';
import { ListMemory, type ListShare, type RunLists } from '../git/client/list-memory.ts';
import type { ReceivePack } from '../git/client/push-pack.ts';
import type { SmallPack } from '../git/client/small-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { ambiguityNote, releasedBy } from './ambiguous-deletions.ts';
import { askAndPlan, provenOrAsked } from './ask-and-plan.ts';
import { carryOut } from './carry-out.ts';
import { commonValues, fetchSmallPack } from './fetch-small-pack.ts';
import type { Verdict } from './judge.ts';
import { type KnownSides, knownSides } from './known-sides.ts';
import { LfsStep } from './lfs-step.ts';
import { listNarrowly, type NarrowInput, NotNarrow } from './list-narrowly.ts';
import { askDetails } from './list-target.ts';
import { bytesOf, type Listing, type ListingDeps, listAll } from './listing.ts';
import { nameOfUpdate } from './name-of-update.ts';
import { type RefFact, type RunOutcome, summariseInTurns } from './outcome.ts';
import type { Note, Plan, PlannedChange, TargetDetails } from './planning.ts';
import type { CompiledRules } from './rules.ts';
import { RunTransports } from './run-transports.ts';
import type { PushLimit } from './slices/slice-size.ts';
import type { RunWay, SyncDeps, SyncInput, SyncPhase } from './sync-input.ts';

/** Runs once. Never throws: every failure is in the outcome, by code. */
export async function syncRepositories(input: SyncInput, deps: SyncDeps): Promise<RunOutcome> {
  const run = new SyncRun(input, deps);
  return run.complete();
}

class SyncRun {
  readonly #input: SyncInput;
  readonly #deps: SyncDeps;
  readonly #startedAt = performance.now();
  readonly #outcomes = new Map<string, RefFact>();
  readonly #transports: RunTransports;
  #notes: readonly Note[] = [];
  /** Refs that stay at a target with protocol v0 for the value that they share. */
  readonly #ambiguous = new Map<string, Oid>();
  #divergedDefaultBranch: string | undefined;
  #error: GitferryError | undefined;
  #isSecondTry = false;
  #targetHeadKnown = false;
  #bytes = 0;
  #slices = 0;
  #deletionsOf: number | undefined;
  #pushLimit: PushLimit | undefined;
  #refsDone = 0;
  #refsTotal = 0;
  #lfsBytes = 0;
  #way: Omit<RunWay, 'requests'> = { path: 'ordinary', listBytes: 0, found: {} };
  readonly #lfs: LfsStep | undefined;
  readonly #memory: RunLists;
  readonly #lists: Readonly<Record<'source' | 'target', ListShare>>;

  constructor(input: SyncInput, deps: SyncDeps) {
    this.#input = input;
    this.#deps = deps;
    this.#transports = new RunTransports(deps);
    const { deadline, connectLfs } = deps;
    this.#memory = (deps.listMemory ?? new ListMemory(undefined)).open();
    this.#lists = { source: this.#memory.share(), target: this.#memory.share() };
    const onBytes = (bytes: number): void => {
      this.#lfsBytes += bytes;
      this.#progress('copying LFS objects');
    };
    if (input.lfs !== undefined && connectLfs !== undefined && !input.dryRun)
      this.#lfs = new LfsStep(input.lfs, { deadline, connectLfs, redactor: deps.redactor, onBytes });
  }

  async complete(): Promise<RunOutcome> {
    try {
      const { narrow, dryRun } = this.#input;
      if (narrow === undefined || dryRun || !(await this.#tryNarrowly(narrow))) {
        const again = await this.#attempt(await this.#listAll());
        if (again.size > 0 && this.#error === undefined) {
          this.#isSecondTry = true;
          await this.#attempt(await this.#listAll(), again);
        }
      }
    } catch (error) {
      this.#error = toGitferryError(error);
    } finally {
      await this.#transports.close();
      this.#memory.close();
    }
    this.#deps.onWay?.({ ...this.#way, requests: this.#transports.requests });
    return summariseInTurns(
      {
        refs: [...this.#outcomes.values()],
        error: this.#error,
        scanError: this.#lfs?.error,
        divergedDefaultBranch: this.#divergedDefaultBranch,
        bytes: this.#bytes,
        durationMs: performance.now() - this.#startedAt,
        dryRun: this.#input.dryRun,
        notes: [...this.#notes, ...(this.#ambiguous.size === 0 ? [] : [ambiguityNote(this.#ambiguous.size)]), ...(this.#lfs?.notes ?? [])],
        lfs: this.#lfs?.outcome,
        slices: this.#slices,
        pushLimit: this.#pushLimit,
        deletionsOf: this.#deletionsOf,
      },
      this.#deps.redactor,
    );
  }

  async #listAll(): Promise<Listing> {
    this.#progress('listing');
    const listing = await listAll(this.#input.rules, this.#listingDeps());
    const ends = { ...listing, headBranch: listing.sourceRefs.headBranch };
    const known = knownSides(ends, { source: this.#transports.connect('source'), target: this.#transports.connect('target') });
    this.#way = { ...this.#way, ends: known, listBytes: bytesOf(listing.sourceRefs.values) + bytesOf(listing.targetValues) };
    return listing;
  }

  /** false = it takes an ordinary run; nothing is left of this one but what it may have moved. */
  async #tryNarrowly(narrow: NarrowInput): Promise<boolean> {
    const { signal } = this.#deps.deadline;
    try {
      this.#progress('listing');
      const listing = await listNarrowly(narrow, this.#listingDeps(narrow.ends));
      await this.#attempt(listing, new Set(narrow.refs), { isNarrow: true });
      this.#way = { ...this.#way, path: 'narrow', found: Object.fromEntries(listing.sourceRefs.values) };
      return true;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // No place at the target's host.
      if (error instanceof GitferryError && error.code === 'run_interrupted') throw error;
      const isSurprise = !(error instanceof NotNarrow);
      const { message: reason } = isSurprise ? toGitferryError(error) : error;
      this.#way = { ...this.#way, gaveUp: { reason, isSurprise } };
      this.#outcomes.clear();
      this.#error = undefined;
      await this.#transports.close();
      return false;
    }
  }

  /** Plans and carries out, for all listed refs or only these; resolves with those to be planned once more. Narrow: throws where it does not go smoothly. */
  async #attempt(listing: Listing, only?: ReadonlySet<string>, { isNarrow = false } = {}): Promise<ReadonlySet<string>> {
    const { source, sourceRefs, target, targetValues, details } = listing;
    if (details !== undefined) this.#noteTarget(details);
    if (sourceRefs.headBranch !== undefined) this.#deps.onHead?.('source', sourceRefs.headBranch);
    this.#progress('planning');
    const history = new History(source, new Set(sourceRefs.values.values()), this.#deps.deadline.signal);
    const { plan, smallPack } = await askAndPlan({
      ...{ direction: this.#input.direction, rules: this.#rules(), source: sourceRefs, values: targetValues, history, only, details },
      impossible: target.impossible,
      targetDetails: () => this.#targetDetails(target),
      smallPack: (candidates) => fetchSmallPack(candidates, listing),
    });
    if (only === undefined) {
      this.#notes = plan.notes;
      this.#divergedDefaultBranch = plan.divergedDefaultBranch;
    } else this.#notes = [...this.#notes, ...plan.notes.filter(({ code }) => code === 'deletions_held_back')];
    this.#deletionsOf = plan.deletionsOf ?? this.#deletionsOf;
    const [stay] = plan.stays;
    if (isNarrow && stay !== undefined) throw new NotNarrow(`${stay.ref} is not to be moved: ${stay.reason}`);
    // In a second try, a ref that needs nothing any more got its new value from somebody else.
    for (const ref of only ?? []) {
      this.#outcomes.delete(ref);
      this.#ambiguous.delete(ref);
    }
    for (const [ref, value] of plan.ambiguous) this.#ambiguous.set(ref, value);
    for (const { ref, result, old, new: value, reason } of plan.stays) this.#outcomes.set(ref, { ref, result, old, new: value, reason });
    if (sourceRefs.values.size + sourceRefs.impossible.size === 0) this.#error = new GitferryError('source_empty');

    // Whether an overwritten branch was merely fast-forwarded changes nothing but its name in the record: asked when the source has sent
    // the pack and has nothing else to do.
    let fastForwards: Promise<ReadonlyMap<string, HistoryAnswer>> | undefined;
    const askFastForwards = (): Promise<ReadonlyMap<string, HistoryAnswer>> => {
      fastForwards ??= provenOrAsked(plan.fastForwards, smallPack, history, { decisive: false }).catch(() => new Map());
      return fastForwards;
    };
    await this.#deps.mayWrite;
    // Before the refs, so that no pointer ever dangles.
    await this.#lfs?.copy({ plan, ...listing, smallPack, rules: this.#input.rules });
    const verdicts = this.#input.dryRun
      ? new Map()
      : await this.#carryOut({ ...plan, smallPack }, listing, { isNarrow, onPackSent: askFastForwards });
    // After the push: an empty repository has no HEAD before. Not worth a failure: the next run asks again.
    if (this.#input.learnTargetHead === true && !this.#targetHeadKnown) await this.#targetDetails(target).catch(() => undefined);
    return this.#record(plan, verdicts, await askFastForwards());
  }

  async #carryOut(
    { changes, smallPack }: Pick<Plan, 'changes'> & { readonly smallPack: SmallPack | undefined },
    { source, sourceRefs, target }: Listing,
    { isNarrow, onPackSent }: { readonly isNarrow: boolean; onPackSent(): void },
  ): Promise<ReadonlyMap<string, Verdict>> {
    if (changes.length === 0) return new Map();
    await setImmediate();
    this.#refsTotal = changes.length;
    this.#progress('relaying');
    const common = commonValues({ sourceRefs, target });
    const pushLimit = this.#pushLimit ?? this.#input.pushLimit;
    const carried = await carryOut(
      {
        ...{ source, target, commands: changes, common, smallPack, isSecondTry: this.#isSecondTry, pushLimit },
        ...(isNarrow ? { mostObjects: limits.narrowObjects } : {}),
      },
      {
        deadline: this.#deps.deadline,
        relist: () => {
          if (isNarrow) throw new NotNarrow('the target did not report that all was done');
          return this.#transports.relistTarget(this.#lists.target);
        },
        onPackSent,
        onBytes: (bytes) => {
          this.#bytes += bytes;
          this.#progress('relaying');
        },
        onRefs: (done) => {
          this.#refsDone = done;
          this.#progress('relaying');
        },
      },
    );
    if (isNarrow && carried.error !== undefined) throw carried.error;
    if (isNarrow && [...carried.verdicts.values()].some(({ state }) => state !== 'done')) throw new NotNarrow('not all was done');
    this.#error ??= carried.error;
    this.#notes = [...this.#notes, ...carried.notes];
    this.#slices += carried.slices;
    this.#pushLimit = carried.pushLimit;
    return carried.verdicts;
  }

  #record(plan: Plan, verdicts: ReadonlyMap<string, Verdict>, fastForwards: ReadonlyMap<string, HistoryAnswer>): ReadonlySet<string> {
    const raced = new Set<string>();
    const done: PlannedChange[] = [];
    for (const change of plan.changes) {
      const { ref, old, new: value } = change;
      const verdict = verdicts.get(ref) ?? { state: 'done' };
      if (verdict.state === 'done') {
        done.push(change);
        this.#outcomes.set(ref, { ref, old, new: value, ...nameOfUpdate(change, fastForwards) });
      } else
        this.#outcomes.set(ref, {
          ref,
          old,
          new: value,
          result: verdict.state,
          reason: verdict.reason,
          code: verdict.state === 'raced' ? undefined : verdict.code,
        });
      if (verdict.state === 'raced') raced.add(ref);
    }
    const released = releasedBy(done, plan.ambiguous);
    if (!this.#input.dryRun) return new Set([...raced, ...released]);
    for (const ref of released) {
      const outcome = this.#outcomes.get(ref);
      if (outcome !== undefined)
        this.#outcomes.set(ref, { ...outcome, reason: `${outcome.reason}; the run looks at it again when it has moved the other` });
    }
    return raced;
  }

  /** With what this run has deleted already, for the deletion guard. */
  #rules(): CompiledRules {
    const { rules } = this.#input;
    const count = [...this.#outcomes.values()].filter(({ result }) => result === 'deleted').length;
    if (count === 0) return rules;
    const earlier = rules.earlierDeletions ?? { count: 0, of: 0 };
    return { ...rules, earlierDeletions: { count: earlier.count + count, of: Math.max(earlier.of, this.#deletionsOf ?? 0) } };
  }

  #listingDeps(ends?: KnownSides): ListingDeps {
    const admitTarget = async (sourceListed: Promise<unknown>): Promise<void> => this.#deps.admitTarget?.(sourceListed);
    return { connect: (side) => this.#transports.connect(side, ends?.[side].address), lists: this.#lists, admitTarget };
  }

  async #targetDetails(target: ReceivePack): Promise<TargetDetails> {
    const details = await askDetails(this.#transports.connect('target'), target, this.#lists.target, this.#deps.deadline);
    this.#noteTarget(details);
    return details;
  }

  #noteTarget({ headBranch }: TargetDetails): void {
    this.#targetHeadKnown = true;
    if (headBranch !== undefined) this.#deps.onHead?.('target', headBranch);
  }

  #progress(phase: SyncPhase): void {
    this.#deps.onProgress?.({
      phase,
      refsDone: this.#refsDone,
      refsTotal: this.#refsTotal,
      bytes: phase === 'relaying' ? this.#bytes : this.#lfsBytes,
    });
  }
}
