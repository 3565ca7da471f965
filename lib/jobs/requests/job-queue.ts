/** The queue as use cases see it: wake-ups for mirrors, delivered at least once, in any order, or lost. */
import type { MirrorKey } from '../../model/mirror.ts';

export interface WakeUp {
  readonly key: MirrorKey;
  /** At most 900 (SQS); later wake-ups are the tick's business. */
  readonly delaySeconds: number;
}

export interface JobQueue {
  /** Sends in batches of 10. Resolves with those that could not be sent; never throws for them: the tick sends them again. */
  send(wakeUps: readonly WakeUp[]): Promise<readonly WakeUp[]>;
}
