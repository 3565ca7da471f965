/** One run between two repositories: list both, plan (asking the source where a rule needs it), relay, judge, sum up. */
import { createDeadline, type Deadline } from '../core/deadline.ts';
import { GitferryError, toGitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { LearningRedactor } from '../core/redact.ts';
import { History } from '../git/client/ask-history.ts';
import type { HistoryAnswer } from '../git/client/history-questions.ts';
import { ListMemory, type ListShare, type RunLists } from '../git/client/list-memory.ts';
import { ReceivePack } from '../git/client/push-pack.ts';
import { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { branchPrefix, tagPrefix } from '../git/ref-name.ts';
import type { Transport } from '../git/transport/transport.ts';
import { askAndPlan } from './ask-and-plan.ts';
import { carryOut } from './carry-out.ts';
import type { Verdict } from './judge.ts';
import { type LfsDeps, type LfsInput, LfsStep } from './lfs-step.ts';
import { askDetails, listedValues } from './list-target.ts';
import { nameOfUpdate } from './name-of-update.ts';
import { type RefFact, type RunOutcome, summarise } from './outcome.ts';
import type { Direction, Note, Plan, SourceRefs, TargetDetails } from './planning.ts';
import type { CompiledRules } from './rules.ts';
import type { PushLimit } from './slices/slice-size.ts';

export interface SyncInput {
  readonly direction: Direction;
  readonly rules: CompiledRules;
  /** Plan only: nothing is written. */
  readonly dryRun: boolean;
  /** Ask the target where its HEAD points, even if no rule needs to know. */
  readonly learnTargetHead?: boolean;
  /** Without it, LFS objects are nobody's business. */
  readonly lfs?: LfsInput | undefined;
  /** How much the target takes in one push, as earlier runs have learned it. */
  readonly pushLimit?: PushLimit | undefined;
}

export type SyncPhase = 'listing' | 'planning' | 'copying LFS objects' | 'relaying';

export interface SyncProgress {
  readonly phase: SyncPhase;
  readonly refsDone: number;
  readonly refsTotal: number;
  readonly bytes: number;
}

export interface SyncDeps {
  /** Opens a transport whose waits end with this deadline; `sync` closes it. */
  connect(side: 'source' | 'target', deadline: Deadline): Transport;
  /** The LFS server of an end; without it, no LFS objects are moved. */
  readonly connectLfs?: LfsDeps['connectLfs'];
  readonly deadline: Deadline;
  readonly redactor: LearningRedactor;
  /** Memory for ref lists, shared with other runs; without it, only the limits of each list hold. */
  readonly listMemory?: ListMemory | undefined;
  /** Waited for before anything is written to the target. */
  readonly mayWrite?: Promise<unknown> | undefined;
  onProgress?(progress: SyncProgress): void;
  /** Resolves when the run may go to the target, at once or once the source has listed its refs; the run ends with what it rejects with. */
  admitTarget?(sourceListed: Promise<unknown>): Promise<void>;
  /** Full name of the branch that HEAD of this side stands for; not called where it stands for none, or nobody asked. */
  onHead?(side: 'source' | 'target', branch: string): void;
}

/** Runs once. Never throws: every failure is in the outcome, by code. */
export async function syncRepositories(input: SyncInput, deps: SyncDeps): Promise<RunOutcome> {
  const run = new Run(input, deps);
  return run.complete();
}

interface Ends {
  readonly source: UploadPack;
  readonly sourceRefs: SourceRefs;
  readonly target: ReceivePack;
}

class Run {
  readonly #input: SyncInput;
  readonly #deps: SyncDeps;
  readonly #startedAt = performance.now();
  readonly #outcomes = new Map<string, RefFact>();
  readonly #transports = new Map<'source' | 'target', Transport>();
  #notes: readonly Note[] = [];
  #divergedDefaultBranch: string | undefined;
  #error: GitferryError | undefined;
  #isSecondTry = false;
  #targetHeadKnown = false;
  #bytes = 0;
  #slices = 0;
  #pushLimit: PushLimit | undefined;
  #refsDone = 0;
  #refsTotal = 0;
  #lfsBytes = 0;
  readonly #lfs: LfsStep | undefined;
  readonly #memory: RunLists;
  readonly #lists: Readonly<Record<'source' | 'target', ListShare>>;

  constructor(input: SyncInput, deps: SyncDeps) {
    this.#input = input;
    this.#deps = deps;
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
      const raced = await this.#attempt();
      if (raced.size > 0 && this.#error === undefined) {
        this.#isSecondTry = true;
        await this.#attempt(raced);
      }
    } catch (error) {
      this.#error = toGitferryError(error);
    } finally {
      await Promise.all([...this.#transports.values()].map((transport) => transport.close()));
      this.#memory.close();
    }
    return summarise(
      {
        refs: [...this.#outcomes.values()],
        error: this.#error,
        scanError: this.#lfs?.error,
        divergedDefaultBranch: this.#divergedDefaultBranch,
        bytes: this.#bytes,
        durationMs: performance.now() - this.#startedAt,
        dryRun: this.#input.dryRun,
        notes: [...this.#notes, ...(this.#lfs?.notes ?? [])],
        lfs: this.#lfs?.outcome,
        slices: this.#slices,
        pushLimit: this.#pushLimit,
      },
      this.#deps.redactor,
    );
  }

  /** Lists, plans and carries out, for all refs or only these; resolves with the refs that lost a race. */
  async #attempt(only?: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    this.#progress('listing');
    const ends = await this.#openBoth();
    const { source, sourceRefs, target } = ends;
    if (sourceRefs.headBranch !== undefined) this.#deps.onHead?.('source', sourceRefs.headBranch);
    this.#progress('planning');
    const history = new History(source, new Set(sourceRefs.values.values()), this.#deps.deadline.signal);
    const targetValues = new Map(target.refs.map(({ name, oid }) => [name, oid]));
    const plan = await askAndPlan({
      ...{ direction: this.#input.direction, rules: this.#input.rules, source: sourceRefs, values: targetValues, history, only },
      impossible: target.impossible,
      targetDetails: () => this.#targetDetails(target),
    });
    if (only === undefined) {
      this.#notes = plan.notes;
      this.#divergedDefaultBranch = plan.divergedDefaultBranch;
    }
    // In a second try, a ref that needs nothing any more got its new value from somebody else.
    for (const ref of only ?? []) this.#outcomes.delete(ref);
    for (const { ref, result, old, new: value, reason } of plan.stays) this.#outcomes.set(ref, { ref, result, old, new: value, reason });
    if (sourceRefs.values.size + sourceRefs.impossible.size === 0) this.#error = new GitferryError('source_empty');

    // Whether an overwritten branch was merely fast-forwarded changes nothing but its name in the record: asked when the source has sent
    // the pack and has nothing else to do.
    let fastForwards: Promise<ReadonlyMap<string, HistoryAnswer>> | undefined;
    const askFastForwards = (): Promise<ReadonlyMap<string, HistoryAnswer>> => {
      fastForwards ??= history.contained(plan.fastForwards, { decisive: false }).catch(() => new Map());
      return fastForwards;
    };
    await this.#deps.mayWrite;
    // Before the refs, so that no pointer ever dangles.
    await this.#lfs?.copy({ plan, ...ends, targetValues, rules: this.#input.rules });
    const verdicts = this.#input.dryRun ? new Map() : await this.#carryOut(plan, ends, targetValues, askFastForwards);
    // After the push: an empty repository has no HEAD before. Not worth a failure: the next run asks again.
    if (this.#input.learnTargetHead === true && !this.#targetHeadKnown) await this.#targetDetails(target).catch(() => undefined);
    return this.#record(plan, verdicts, await askFastForwards());
  }

  async #carryOut(
    { changes }: Plan,
    { source, sourceRefs, target }: Ends,
    targetValues: ReadonlyMap<string, Oid>,
    onPackSent: () => void,
  ): Promise<ReadonlyMap<string, Verdict>> {
    if (changes.length === 0) return new Map();
    this.#refsTotal = changes.length;
    this.#progress('relaying');
    const listedBySource = new Set(sourceRefs.values.values());
    const common = [...new Set(targetValues.values())].filter((oid) => listedBySource.has(oid));
    const pushLimit = this.#pushLimit ?? this.#input.pushLimit;
    const carried = await carryOut(
      { source, target, commands: changes, common, isSecondTry: this.#isSecondTry, pushLimit },
      {
        deadline: this.#deps.deadline,
        relist: () => this.#relistTarget(),
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
    this.#error ??= carried.error;
    this.#notes = [...this.#notes, ...carried.notes];
    this.#slices += carried.slices;
    this.#pushLimit = carried.pushLimit;
    return carried.verdicts;
  }

  #record(plan: Plan, verdicts: ReadonlyMap<string, Verdict>, fastForwards: ReadonlyMap<string, HistoryAnswer>): ReadonlySet<string> {
    const raced = new Set<string>();
    for (const change of plan.changes) {
      const { ref, old, new: value } = change;
      const verdict = verdicts.get(ref) ?? { state: 'done' };
      if (verdict.state === 'done') this.#outcomes.set(ref, { ref, old, new: value, ...nameOfUpdate(change, fastForwards) });
      else
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
    return raced;
  }

  async #openBoth(): Promise<Ends> {
    // A connect that throws must not leave the other end's promise to nobody.
    const openingSource = this.#openSource();
    const openTarget = async (): Promise<ReceivePack> => {
      await this.#deps.admitTarget?.(openingSource);
      return ReceivePack.open(this.#connect('target'), this.#lists.target);
    };
    const opened = [openingSource, openTarget()] as const;
    // Both are waited for, so that nothing is left running, and the source's failure is told first.
    await Promise.allSettled(opened);
    const [{ source, sourceRefs }, target] = [await opened[0], await opened[1]];
    if (source.objectFormat !== target.objectFormat) {
      throw new GitferryError('object_format_mismatch', { detail: `Source: ${source.objectFormat}, target: ${target.objectFormat}.` });
    }
    return { source, sourceRefs, target };
  }

  async #openSource(): Promise<Pick<Ends, 'source' | 'sourceRefs'>> {
    const source = await UploadPack.open(this.#connect('source'), this.#lists.source);
    return { source, sourceRefs: await this.#listSource(source) };
  }

  async #listSource(source: UploadPack): Promise<SourceRefs> {
    const prefixes = this.#input.rules.tags === 'none' ? [branchPrefix] : [branchPrefix, tagPrefix];
    const { refs, impossible, headBranch } = await source.listRefs(prefixes);
    const values = new Map<string, Oid>();
    for (const { name, oid, symrefTarget } of refs) if (symrefTarget === undefined) values.set(name, oid);
    return { values, impossible, headBranch };
  }

  async #targetDetails(target: ReceivePack): Promise<TargetDetails> {
    const details = await askDetails(this.#connect('target'), target, this.#lists.target, this.#deps.deadline);
    this.#targetHeadKnown = true;
    if (details.headBranch !== undefined) this.#deps.onHead?.('target', details.headBranch);
    return details;
  }

  /** Lists the target once more; when the run's own time is up, in a little extra time. */
  async #relistTarget(): Promise<ReadonlyMap<string, Oid>> {
    if (!this.#deps.deadline.signal.aborted) return listedValues(this.#connect('target'), this.#lists.target);
    const extra = createDeadline(limits.relistMs);
    const transport = this.#deps.connect('target', extra);
    try {
      return await listedValues(transport, this.#lists.target);
    } finally {
      extra.clear();
      await transport.close();
    }
  }

  /** One transport a side for the whole run: it remembers redirects and what the host refuses. */
  #connect(side: 'source' | 'target'): Transport {
    const transport = this.#transports.get(side) ?? this.#deps.connect(side, this.#deps.deadline);
    this.#transports.set(side, transport);
    return transport;
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
