/** A batch of queue messages: the jobs run side by side, and only those that could not even be begun are handed back to the queue. */
import { createDeadline, type Deadline } from '../../core/deadline.ts';
import { toGitferryError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { parseJob } from '../../model/job.ts';
import type { MirrorKey } from '../../model/mirror.ts';

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
}

export interface BatchDeps {
  readonly log: Log;
  /** Throws only where nothing could be read or written. */
  run(key: MirrorKey, deadline: Deadline): Promise<unknown>;
  /** Deadlines of the jobs under way, for whoever wants to end them early. */
  readonly running: Set<Deadline>;
}

/**
 * Resolves with the ids of the messages that should be delivered again: those whose mirror could not be read (`storage_unavailable`). A message that
 * is not ours is dropped with a line in the log: no number of deliveries would make it one.
 */
export async function runBatch(
  messages: readonly QueueMessage[],
  remainingMs: number,
  { log, run, running }: BatchDeps,
): Promise<readonly string[]> {
  const failed: string[] = [];
  // Two wake-ups for one mirror in a batch: the second would only find the lease taken.
  const seen = new Set<string>();
  const runOne = async ({ id, body }: QueueMessage): Promise<void> => {
    const key = parseJob(body);
    if (key === undefined) return log.write('warn', 'message_not_ours', { message_id: id });
    const name = `${key.projectId}/${key.mirror}`;
    if (seen.has(name)) return;
    seen.add(name);
    const deadline = createDeadline(remainingMs);
    running.add(deadline);
    try {
      await run(key, deadline);
    } catch (thrown) {
      const error = toGitferryError(thrown);
      log.write('error', 'job_not_run', { project: key.projectId, mirror: String(key.mirror), code: error.code, message: error.message });
      failed.push(id);
    } finally {
      running.delete(deadline);
      deadline.clear();
    }
  };
  await Promise.all(messages.map(runOne));
  return failed;
}
