/** Notes webhooks that did not announce what a scheduled run found, and asks the project's other mirrors to look too. */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Hook } from '../../model/hook.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { NoticeOutbox } from '../../model/notice.ts';
import type { Records } from '../../model/records.ts';
import type { MirrorJobs } from '../mirror-jobs.ts';
import type { JobQueue } from '../requests/job-queue.ts';
import { wakeUpFor } from '../requests/wake-up.ts';
import { missedEventsTrigger } from './missed-events.ts';
import { silentHooks } from './silent-hooks.ts';

interface NotingDeps {
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly records: Pick<Records, 'projects' | 'hooks'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly outbox?: NoticeOutbox;
}

export async function noteSilentHooks(mirror: Mirror, deps: NotingDeps): Promise<void> {
  const { records, clock, log, outbox } = deps;
  const silent = silentHooks(mirror, await records.hooks.ofProject(mirror.projectId));
  // Before it is noted: once for each time that it falls silent.
  const fallen = silent.filter(({ silentSince }) => silentSince === null);
  const ids = await Promise.all(outbox === undefined ? [] : fallen.map((hook) => leaveNews(mirror, hook, clock.now(), outbox)));
  await Promise.all(silent.map((hook) => records.hooks.noteSilent(hook, clock.now())));
  await outbox?.wake(ids.filter((id) => id !== undefined));
  const { projectId: project, mirror: id, direction } = mirror;
  for (const hook of silent) log.write('warn', 'hook_silent', { project, mirror: id, direction, hook: hook.id });
  if (silent.length > 0) await askSiblings(mirror, deps);
}

/** The same notice however often it is left: a hook falls silent once after each of its deliveries. */
async function leaveNews({ projectId, mirror }: Mirror, hook: Hook, now: number, outbox: NoticeOutbox): Promise<string | undefined> {
  if (!(await outbox.isHeard('hook.silent'))) return undefined;
  const id = `hook.silent-${projectId}-${hook.id}-${hook.lastDeliveryAt ?? 0}`;
  await outbox.put({
    id,
    type: 'hook.silent',
    at: now,
    since: hook.lastDeliveryAt ?? hook.createdAt,
    mirror: { projectId, mirror },
    hookId: hook.id,
  });
  return id;
}

/** What this mirror was not told of, the project's other mirrors were not told of either. */
async function askSiblings({ projectId, mirror, direction }: Mirror, { jobs, queue, records, clock }: NotingDeps): Promise<void> {
  const { mirrors = [] } = (await records.projects.contents(projectId)) ?? {};
  const now = clock.now();
  for (const other of mirrors.filter((each) => each.direction === direction && each.mirror !== mirror)) {
    const before = await jobs.request(other, { trigger: missedEventsTrigger, now, startAt: now, confirmDeletions: false, resume: false });
    if (before !== undefined && before.queuedAt === null && before.leaseToken === null) await queue.send(wakeUpFor(other, now, now));
  }
}
