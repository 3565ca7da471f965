/** Projects with their mirrors and hooks as events need them, kept for seconds; one query however many events ask at once. */
import type { Clock } from '../core/clock.ts';
import type { ProjectContents, ProjectRecords } from '../model/records.ts';
import { webhookLimits } from './webhook-limits.ts';

export interface ProjectCache {
  /** The project as it was at most `maxAgeMs` ago; undefined = there is none. Throws `storage_unavailable`, which is not kept. */
  read(projectId: number, maxAgeMs: number): Promise<ProjectContents | undefined>;
}

interface Entry {
  readonly loadedAt: number;
  readonly contents: ProjectContents | undefined;
}

export function createProjectCache({
  projects,
  clock,
}: {
  readonly projects: Pick<ProjectRecords, 'contents'>;
  readonly clock: Clock;
}): ProjectCache {
  // Apart, so that made-up numbers drive out only each other.
  const known = new Map<number, Entry>();
  const unknown = new Map<number, Entry>();
  const loading = new Map<number, Promise<ProjectContents | undefined>>();

  const load = async (projectId: number): Promise<ProjectContents | undefined> => {
    // The age counts from before the question: the answer may be as old as that.
    const loadedAt = clock.now();
    try {
      const contents = await projects.contents(projectId);
      const [to, from, limit] =
        contents === undefined ? [unknown, known, webhookLimits.cachedUnknown] : [known, unknown, webhookLimits.cachedProjects];
      from.delete(projectId);
      to.delete(projectId);
      to.set(projectId, { loadedAt, contents });
      const [oldest] = to.keys();
      if (to.size > limit && oldest !== undefined) to.delete(oldest);
      return contents;
    } finally {
      loading.delete(projectId);
    }
  };

  return {
    async read(projectId, maxAgeMs) {
      const entry = known.get(projectId) ?? unknown.get(projectId);
      const age = entry === undefined ? Number.POSITIVE_INFINITY : clock.now() - entry.loadedAt;
      // A clock that was set back makes an entry too young: not to be believed either.
      if (entry !== undefined && age >= 0 && age <= maxAgeMs) return entry.contents;
      const underWay = loading.get(projectId) ?? load(projectId);
      loading.set(projectId, underWay);
      return underWay;
    },
  };
}
