/** Runs a sync in this process the way the command line does, against servers on this machine. */

import { wireSync } from '../../functions/command-wiring.ts';
import { parseArguments } from '../../lib/cli/parse-arguments.ts';
import type { LfsObject } from '../../lib/lfs/pointer.ts';
import type { NarrowInput } from '../../lib/mirror/list-narrowly.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { syncRepositories } from '../../lib/mirror/sync.ts';
import type { RunWay, SyncInput } from '../../lib/mirror/sync-input.ts';

/** Every run is first tried as a narrow one, with the refs that an ordinary one would do something about: `GITFERRY_TEST_NARROW=1`. */
const alwaysNarrow = process.env['GITFERRY_TEST_NARROW'] === '1';

/**
 * `gitferry sync source target ...options`, with the addresses in `allow` allowed: loopback. `failedBefore`: LFS objects that an earlier run could not copy,
 * as the service remembers them.
 */
export async function sync(
  source: string,
  target: string,
  options: readonly string[] = [],
  failedBefore: readonly LfsObject[] = [],
  allow = '127.0.0.0/8',
): Promise<RunOutcome> {
  if (alwaysNarrow && failedBefore.length === 0) return (await syncNarrowly(source, target, options, { allow })).outcome;
  return (await syncOnce(source, target, options, { failedBefore }, allow)).outcome;
}

export interface WayOfRun {
  readonly outcome: RunOutcome;
  readonly way: RunWay;
}

/** One run, and which way it took. */
export async function syncOnce(
  source: string,
  target: string,
  options: readonly string[],
  more: Pick<SyncInput, 'narrow'> & { readonly failedBefore?: readonly LfsObject[]; readonly dryRun?: boolean } = {},
  allow = '127.0.0.0/8',
): Promise<WayOfRun> {
  const args = ['sync', source, target, '--allow-address', allow, ...options];
  const command = await parseArguments(args, { sourcePassword: undefined, targetPassword: undefined });
  if (command.kind !== 'sync') throw new Error('not a sync command');
  const { deps, close } = await wireSync(command);
  let way: RunWay | undefined;
  try {
    const { failedBefore = [], narrow, dryRun = command.dryRun } = more;
    const lfs = command.lfs === undefined ? undefined : { ...command.lfs, failedBefore };
    const onWay = (told: RunWay): void => {
      way = told;
    };
    const outcome = await syncRepositories({ ...command, dryRun, lfs, narrow }, { ...deps, onWay });
    if (way === undefined) throw new Error('no way was told');
    return { outcome, way };
  } finally {
    await close();
  }
}

/** What an ordinary run that writes nothing learns for a narrow one: how to speak to the ends, and the refs that it would do something about. */
export async function narrowInput(source: string, target: string, options: readonly string[]): Promise<NarrowInput | undefined> {
  const { outcome, way } = await syncOnce(source, target, options, { dryRun: true });
  const refs = outcome.refs.map(({ ref }) => ref);
  return way.ends === undefined || refs.length === 0 ? undefined : { refs, ends: way.ends };
}

/** A run that is tried as a narrow one first. `refs`: what an event would name; without them, all that there is something to do about. */
export async function syncNarrowly(
  source: string,
  target: string,
  options: readonly string[] = [],
  { refs, allow }: { readonly refs?: readonly string[]; readonly allow?: string } = {},
): Promise<WayOfRun> {
  const narrow = await narrowInput(source, target, options);
  return syncOnce(source, target, options, { narrow: narrow === undefined ? undefined : { ...narrow, refs: refs ?? narrow.refs } }, allow);
}

/** Refs of an outcome with this result, as `ref` names. */
export function refsWith(outcome: RunOutcome, result: RunOutcome['refs'][number]['result']): string[] {
  return outcome.refs.filter((ref) => ref.result === result).map(({ ref }) => ref);
}
