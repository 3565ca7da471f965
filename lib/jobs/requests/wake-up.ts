/** The message for a run that is to start at a certain time. */
import { serviceLimits } from '../../core/service-limits.ts';
import type { MirrorKey } from '../../model/mirror.ts';
import type { WakeUp } from './job-queue.ts';

/** None for a start further away than a message can be delayed: the tick sends it in time. */
export function wakeUpFor({ projectId, mirror }: MirrorKey, startAt: number, now: number): readonly WakeUp[] {
  const delaySeconds = Math.max(0, Math.ceil((startAt - now) / 1000));
  return delaySeconds > serviceLimits.queueDelaySeconds ? [] : [{ key: { projectId, mirror }, delaySeconds }];
}
