/** Projects as events need them, kept longer by a process that makes all changes of its table itself and says when it has made one. */
import type { Clock } from '../core/clock.ts';
import type { ProjectContents, ProjectRecords } from '../model/records.ts';

export interface RememberedContents extends Pick<ProjectRecords, 'contents'> {
  /** Somebody changed something: all is read again when it is asked for. */
  forget(): void;
}

/** Runs change a little of a project (its default branch, say) without telling. */
const keptMs = 10_000;
const keptProjects = 10_000;

export function rememberContents(projects: Pick<ProjectRecords, 'contents'>, clock: Clock): RememberedContents {
  const kept = new Map<number, { readonly loadedAt: number; readonly contents: ProjectContents | undefined }>();
  let changes = 0;
  return {
    async contents(projectId) {
      const loadedAt = clock.now();
      const entry = kept.get(projectId);
      if (entry !== undefined && loadedAt >= entry.loadedAt && loadedAt - entry.loadedAt <= keptMs) return entry.contents;
      const changesBefore = changes;
      const contents = await projects.contents(projectId);
      if (kept.size >= keptProjects) kept.clear();
      // What was read while a change was under way may be older than it.
      if (changes === changesBefore) kept.set(projectId, { loadedAt, contents });
      return contents;
    },

    forget() {
      changes++;
      kept.clear();
    },
  };
}
