/** Collects wake-ups and sends them in the queue's batches as they fill. */
import { serviceLimits } from '../../core/service-limits.ts';
import type { JobQueue, WakeUp } from './job-queue.ts';

export class WakeUpBatch {
  readonly #queue: JobQueue;
  #waiting: WakeUp[] = [];
  #unsent = 0;

  constructor(queue: JobQueue) {
    this.#queue = queue;
  }

  async add(wakeUps: readonly WakeUp[]): Promise<void> {
    this.#waiting.push(...wakeUps);
    if (this.#waiting.length >= serviceLimits.queueBatch) await this.#send(this.#waiting.splice(0, serviceLimits.queueBatch));
  }

  /** Sends the rest. Resolves with how many could not be sent, of all. */
  async flush(): Promise<number> {
    if (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0));
    return this.#unsent;
  }

  async #send(batch: readonly WakeUp[]): Promise<void> {
    this.#unsent += (await this.#queue.send(batch)).length;
  }
}
