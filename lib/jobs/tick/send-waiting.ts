/** Sends the messages of all requests that wait, at once: for when silent mode is lifted. */
import { serviceLimits } from '../../core/service-limits.ts';
import { forEachConcurrently } from '../for-each-concurrently.ts';
import { dueShards } from '../mirror-jobs.ts';
import { wakeUpFor } from '../requests/wake-up.ts';
import { WakeUpBatch } from '../requests/wake-up-batch.ts';
import type { TickDeps } from './tick.ts';

/** Mirrors of one shard that are seen to at once. */
const concurrency = 8;
/** Requests wait for at most this long by themselves; those that wait for a host's Retry-After keep to it. */
const waitingUntilMs = 2 * 3600_000;

/** Resolves with how many; what could not be sent, the tick sends. */
export async function sendWaiting({ jobs, queue, clock, log }: Pick<TickDeps, 'jobs' | 'queue' | 'clock' | 'log'>): Promise<number> {
  const wakeUps = new WakeUpBatch(queue);
  let sent = 0;
  await Promise.all(
    Array.from({ length: dueShards }, (_, shard) =>
      forEachConcurrently(jobs.due(shard, clock.now() + waitingUntilMs), concurrency, async (mirror) => {
        if (!('projectId' in mirror) || mirror.queuedAt === null || mirror.leaseToken !== null || !mirror.enabled || mirror.paused)
          return 'go on';
        const now = clock.now();
        // A retry keeps its time: the tick sends its message then.
        if (mirror.heldUntil !== null && mirror.heldUntil > now) return 'go on';
        if (!(await jobs.noteResent(mirror, { now, waitMs: serviceLimits.graceMs }))) return 'go on';
        await wakeUps.add(wakeUpFor(mirror, now, now));
        sent++;
        return 'go on';
      }),
    ),
  );
  const unsent = await wakeUps.flush();
  log.write('info', 'waiting_requests_sent', { sent: sent - unsent, unsent });
  return sent - unsent;
}
