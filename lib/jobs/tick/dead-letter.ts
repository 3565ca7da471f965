/** What happens to a message that was delivered too often: its mirror says so, and its request stays for the tick. */
import type { Clock } from '../../core/clock.ts';
import { GitferryError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { MirrorKey } from '../../model/mirror.ts';
import type { MirrorJobs } from '../mirror-jobs.ts';

export interface DeadLetterDeps {
  readonly jobs: MirrorJobs;
  readonly clock: Clock;
  readonly log: Log;
}

/** `marked` = status failed; `nothing` = meanwhile done, running or gone. Throws `storage_unavailable`. */
export async function markDead(key: MirrorKey, { jobs, clock, log }: DeadLetterDeps): Promise<'marked' | 'nothing'> {
  const { code, message, hint } = new GitferryError('run_interrupted');
  const isMarked = await jobs.markDead(key, { error: { code, message, hint }, now: clock.now() });
  if (!isMarked) return 'nothing';
  log.write('error', 'message_dead', { project: key.projectId, mirror: key.mirror, code });
  return 'marked';
}
