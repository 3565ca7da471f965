/** Runs a sync in this process the way the command line does, against servers on this machine. */

import { wireSync } from '../../functions/command-wiring.ts';
import { parseArguments } from '../../lib/cli/parse-arguments.ts';
import type { LfsObject } from '../../lib/lfs/pointer.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { syncRepositories } from '../../lib/mirror/sync.ts';

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
  const args = ['sync', source, target, '--allow-address', allow, ...options];
  const command = await parseArguments(args, { sourcePassword: undefined, targetPassword: undefined });
  if (command.kind !== 'sync') throw new Error('not a sync command');
  const { deps, close } = await wireSync(command);
  try {
    const lfs = command.lfs === undefined ? undefined : { ...command.lfs, failedBefore };
    return await syncRepositories({ ...command, lfs }, deps);
  } finally {
    await close();
  }
}

/** Refs of an outcome with this result, as `ref` names. */
export function refsWith(outcome: RunOutcome, result: RunOutcome['refs'][number]['result']): string[] {
  return outcome.refs.filter((ref) => ref.result === result).map(({ ref }) => ref);
}
