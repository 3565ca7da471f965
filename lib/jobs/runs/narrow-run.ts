/** Which run an event gets: a narrow one soon after an ordinary one, else an ordinary one; and what is remembered for that. Pure but for `withNarrowRuns`. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import { refNameFault } from '../../git/ref-name.ts';
import type { NarrowInput } from '../../mirror/list-narrowly.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import { lfsInputOf } from './lfs-memory.ts';
import type { NarrowMemory, NarrowMemoryRecords } from './narrow-memory.ts';
import type { RunJobDeps } from './run-job.ts';
import type { SyncedRun } from './run-sync.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** When an ordinary run is due, where narrow ones followed the last. */
export function ordinaryDueAt({ at, listBytes }: Pick<NarrowMemory, 'at' | 'listBytes'>): number {
  return at + (listBytes > serviceLimits.longListBytes ? 60 : 10) * minute;
}

/** undefined = an ordinary run. `mirror` as it was when the run took the lease. */
export function narrowInputOf(mirror: Mirror, project: Project, memory: NarrowMemory | undefined, now: number): NarrowInput | undefined {
  const { runRefs, runTrigger, lastRun } = mirror;
  if (memory === undefined || memory.ends === null || runRefs === undefined || runTrigger?.kind !== 'event') return undefined;
  const isFit =
    memory.settings === settingsMark(mirror, project) &&
    now >= memory.at &&
    now < ordinaryDueAt(memory) &&
    now >= memory.notBefore &&
    lastRun?.outcome === 'success' &&
    mirror.updateStatus === 'finished' &&
    mirror.heldBackDeletions === 0 &&
    !mirror.runConfirmDeletions &&
    isLfsSettled(mirror) &&
    (mirror.direction === 'push' || project.defaultBranch !== null) &&
    missed(mirror, memory).length === 0 &&
    new Set([...Object.keys(memory.found), ...runRefs]).size <= serviceLimits.narrowRefs &&
    runRefs.length > 0 &&
    runRefs.every((ref) => /^refs\/(heads|tags)\/./.test(ref) && refNameFault(ref) === undefined);
  return isFit ? { refs: runRefs, ends: memory.ends } : undefined;
}

/** An ordinary run has looked at all LFS objects, and none failed. */
function isLfsSettled(mirror: Mirror): boolean {
  const input = lfsInputOf(mirror);
  return input === undefined || (!input.everything && input.failedBefore.length === 0);
}

/**
 * Refs that a narrow run had in its hands, that an ordinary run then had to move, and that no event named afterwards either: a narrow run that saw old values,
 * or a target that reported what it had not done.
 */
function missed({ runRefs }: Mirror, { suspects }: NarrowMemory): readonly string[] {
  return suspects.filter((ref) => runRefs?.includes(ref) !== true);
}

/** What is remembered after a run; undefined = what is there stays. */
export function memoryAfter(
  {
    mirror,
    project,
    memory,
    startedAt,
  }: { readonly mirror: Mirror; readonly project: Project; readonly memory: NarrowMemory | undefined; readonly startedAt: number },
  { outcome, way }: Pick<SyncedRun, 'outcome' | 'way'>,
): NarrowMemory | undefined {
  if (way === undefined) return undefined;
  if (way.path === 'narrow')
    return memory === undefined ? undefined : { ...memory, found: { ...memory.found, ...way.found }, suspects: [] };
  const isEvent = mirror.runTrigger?.kind === 'event';
  // Who has no events needs no memory.
  if (outcome.outcome !== 'success' || (!isEvent && memory === undefined)) return undefined;
  const mustWait = way.gaveUp?.isSurprise === true || (memory !== undefined && missed(mirror, memory).length > 0);
  const moved = outcome.refs
    .filter(({ result }) => result === 'created' || result === 'updated' || result === 'forced')
    .map(({ ref }) => ref);
  return {
    settings: settingsMark(mirror, project),
    at: startedAt,
    listBytes: way.listBytes,
    ends: way.ends ?? null,
    notBefore: mustWait ? startedAt + day : (memory?.notBefore ?? 0),
    found: {},
    // An event may be on its way: judged by the next run, which then has its name.
    suspects: isEvent ? [] : moved.filter((ref) => memory?.found[ref] !== undefined),
  };
}

/** Changes with whatever a person decides about the mirror or its project. */
function settingsMark(mirror: Mirror, project: Project): string {
  const ofMirror = [
    mirror.direction,
    mirror.url,
    mirror.authMethod,
    mirror.credential,
    mirror.hostKeys,
    mirror.publicKey,
    mirror.lfs,
    mirror.lfsUrl,
  ];
  const rules = [
    ...[mirror.onlyProtectedBranches, mirror.mirrorBranchRegex, mirror.keepDivergentRefs, mirror.deleteAmbiguousRefs],
    ...[mirror.mirrorOverwritesDivergedBranches, mirror.mirrorTags, project.protectedBranches.map(({ name }) => name)],
  ];
  const ofProject = [project.repositoryUrl, project.authMethod, project.credential, project.hostKeys, project.publicKey];
  return createHash('sha256')
    .update(JSON.stringify([ofMirror, rules, ofProject]))
    .digest('base64')
    .slice(0, 16);
}

export interface NarrowRunDeps {
  readonly memories: NarrowMemoryRecords;
  readonly clock: Clock;
  readonly log: Log;
}

/** The same runs, narrow where they may be. A memory that cannot be read or written makes them ordinary. */
export function withNarrowRuns(sync: RunJobDeps['sync'], { memories, clock, log }: NarrowRunDeps): RunJobDeps['sync'] {
  return async (input, deadline) => {
    const { mirror, project } = input;
    const startedAt = clock.now();
    const reading = memories.get(mirror.id).catch(() => undefined);
    const narrow = reading.then((memory) => narrowInputOf(mirror, project, memory, startedAt));
    const synced = await sync({ ...input, narrow }, deadline);
    const memory = await reading;
    const missing = memory === undefined ? [] : missed(mirror, memory);
    const fields = { project: mirror.projectId, mirror: mirror.mirror };
    if (missing.length > 0) log.write('warn', 'narrow_runs_missed', { ...fields, refs: missing.length });
    if (synced.way?.gaveUp !== undefined)
      log.write('info', 'narrow_run_given_up', { ...fields, why: synced.way.gaveUp.reason }, synced.redactor);
    const next = memoryAfter({ mirror, project, memory, startedAt }, synced);
    if (next !== undefined) await memories.put(mirror.id, next).catch(() => undefined);
    return synced.way?.path === 'narrow' && memory !== undefined ? { ...synced, ordinaryDueAt: ordinaryDueAt(memory) } : synced;
  };
}
