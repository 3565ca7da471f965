/** LFS objects before refs: what a run looks at, and what it copies. */
import type { Deadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { LearningRedactor } from '../core/redact.ts';
import type { ReceivePack } from '../git/client/push-pack.ts';
import type { SmallPack } from '../git/client/small-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { branchPrefix, tagPrefix } from '../git/ref-name.ts';
import { type CopiedLfs, copyLfs } from '../lfs/copy-lfs.ts';
import { findPaths } from '../lfs/find-paths.ts';
import type { LfsServer } from '../lfs/lfs-server.ts';
import type { LfsObject } from '../lfs/pointer.ts';
import type { LfsFailureOutcome, LfsOutcome, LfsScan } from './lfs-outcome.ts';
import type { Note, Plan, SourceRefs } from './planning.ts';
import type { CompiledRules } from './rules.ts';

export interface LfsInput {
  /** `on`: what could not be looked at is a failure, and no note. */
  readonly mode: 'auto' | 'on';
  /** Look at all that the refs reach, whatever the target has. */
  readonly everything: boolean;
  /** What earlier runs could not copy: offered again. */
  readonly failedBefore: readonly LfsObject[];
}

/** What the step needs of a run. */
export interface LfsRun {
  readonly plan: Plan;
  readonly source: UploadPack;
  readonly sourceRefs: SourceRefs;
  readonly target: ReceivePack;
  readonly targetValues: ReadonlyMap<string, Oid>;
  readonly rules: CompiledRules;
  readonly smallPack?: SmallPack | undefined;
}

export interface LfsDeps {
  readonly deadline: Deadline;
  connectLfs(side: 'source' | 'target', deadline: Deadline, redactor: LearningRedactor): LfsServer;
  readonly redactor: LearningRedactor;
  onBytes(bytes: number): void;
}

const nothingYet: LfsOutcome = { scan: 'nothing', moved: 0, skipped: 0, failed: 0, bytes: 0, failures: [] };

/** Once per run: a second try of raced refs adds to what the first one did. */
export class LfsStep {
  readonly #input: LfsInput;
  readonly #deps: LfsDeps;
  /** By oid. */
  readonly #failures = new Map<string, LfsFailureOutcome>();
  #outcome: LfsOutcome | undefined;
  #gap: string | undefined;
  #scanError: GitferryError | undefined;

  constructor(input: LfsInput, deps: LfsDeps) {
    this.#input = input;
    this.#deps = deps;
  }

  /** Copies what the planned refs need. Throws only what ends the run. */
  async copy(run: LfsRun): Promise<void> {
    const { plan, source, target } = run;
    const isFirst = this.#outcome === undefined;
    const everything = this.#input.everything && isFirst;
    const changed = plan.changes.flatMap(({ new: value }) => value ?? []);
    const wants = everything ? inScope(run) : changed;
    const values = new Set([...run.targetValues.values(), ...target.extraHaves]);
    // Values that both list are the haves most likely to help.
    const common = [...run.sourceRefs.values.values()].filter((oid) => values.has(oid));
    const old = plan.changes.flatMap((change) => (change.new === null ? [] : (change.old ?? [])));
    const haves = everything ? [] : [...new Set([...old, ...common, ...values])].slice(0, limits.haves);
    const search = { source, wants: [...new Set(wants)].filter((oid) => everything || !values.has(oid)), haves, shallows: target.shallows };
    const { deadline, connectLfs, redactor, onBytes } = this.#deps;
    const copied = await copyLfs({
      search: search.wants.length === 0 ? undefined : search,
      blobs: !everything && search.wants.length > 0 ? blobsFor(search.wants, run.smallPack) : undefined,
      failedBefore: isFirst ? this.#input.failedBefore : [],
      connect: (side) => connectLfs(side, deadline, redactor),
      ref: plan.changes.find(({ new: value, ref }) => value !== null && ref.startsWith(branchPrefix))?.ref ?? run.sourceRefs.headBranch,
      onBytes,
    });
    this.#add(copied, await this.#paths(copied, run), search.wants.length === 0 ? 'nothing' : everything ? 'everything' : 'new');
    if (copied.ended !== undefined) throw copied.ended;
  }

  /** Worth a request where there are failures, but no failure and no long wait of its own. */
  async #paths({ failures, ended }: CopiedLfs, { plan, source, sourceRefs }: LfsRun): Promise<ReadonlyMap<string, string>> {
    if (failures.length === 0 || failures.length > limits.lfsPathedFailures || ended !== undefined) return new Map();
    const head = sourceRefs.values.get(sourceRefs.headBranch ?? '') ?? [];
    const tips = new Set([...plan.changes.flatMap(({ new: value }) => value ?? []), head].flat());
    return findPaths(source, [...tips].slice(0, limits.lfsPathTips), failures).catch(() => new Map());
  }

  #add(copied: CopiedLfs, paths: ReadonlyMap<string, string>, looked: LfsScan): void {
    const before = this.#outcome ?? nothingYet;
    this.#gap ??= copied.gap;
    this.#scanError ??= copied.scanError;
    const scan = copied.ended !== undefined ? 'interrupted' : copied.scanError !== undefined ? 'failed' : looked;
    // What failed in both tries is one failure, and what failed in the first alone is none.
    if (copied.ended === undefined) for (const { oid } of copied.objects) this.#failures.delete(oid);
    for (const { oid, size, code, reason } of copied.failures)
      this.#failures.set(oid, { oid, size, code, reason, path: paths.get(oid) ?? null });
    this.#outcome = {
      scan: before.scan === 'nothing' || scan === 'failed' || scan === 'interrupted' ? scan : before.scan,
      moved: before.moved + copied.moved,
      skipped: before.skipped + copied.skipped,
      failed: this.#failures.size,
      bytes: before.bytes + copied.bytes,
      failures: [...this.#failures.values()].slice(0, limits.lfsNamedFailures),
    };
  }

  /** undefined = the run did not get that far. */
  get outcome(): LfsOutcome | undefined {
    return this.#outcome;
  }

  /** What was not looked at, for people; with `on` it is an error instead. */
  get notes(): readonly Note[] {
    if (this.#gap === undefined || this.#input.mode === 'on') return [];
    return [{ code: 'lfs_not_all_seen', message: `LFS objects may be missing: ${this.#gap}. Set lfs to off if this repository has none.` }];
  }

  /** Why pointers may be left that nobody has looked at. */
  get error(): GitferryError | undefined {
    if (this.#scanError !== undefined) return this.#scanError;
    if (this.#gap === undefined || this.#input.mode === 'auto') return undefined;
    return new GitferryError('lfs_scan_failed', { detail: `In all, ${this.#gap}.` });
  }
}

/** The small blobs of a pack that was fetched for these values, or for more. */
function blobsFor(wants: readonly Oid[], pack: SmallPack | undefined): readonly Buffer[] | undefined {
  return pack !== undefined && wants.every((oid) => pack.wants.has(oid)) ? pack.smallBlobs : undefined;
}

/** Values of the refs that the mirror keeps equal: those that are so already, and those that are about to be. */
function inScope({ plan, sourceRefs, targetValues, rules }: LfsRun): Oid[] {
  const changing = new Set(plan.changes.map(({ ref }) => ref));
  return [...sourceRefs.values].flatMap(([ref, oid]) => {
    const matches = ref.startsWith(tagPrefix)
      ? rules.tagMatches(ref.slice(tagPrefix.length))
      : rules.branchMatches(ref.slice(branchPrefix.length));
    return changing.has(ref) || (matches && targetValues.get(ref) === oid) ? [oid] : [];
  });
}
