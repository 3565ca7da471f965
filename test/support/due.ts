/** How the tick sees a mirror. */
import { type DueMirror, dueShards, type MirrorJobs } from '../../lib/jobs/mirror-jobs.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';

/** As the index has it now, however far away it is; undefined = it is not in the index. */
export async function dueOf(jobs: MirrorJobs, { projectId, mirror }: MirrorKey): Promise<DueMirror | undefined> {
  for (let shard = 0; shard < dueShards; shard++) {
    for await (const due of jobs.due(shard, Number.MAX_SAFE_INTEGER))
      if ('projectId' in due && due.projectId === projectId && due.mirror === mirror) return due;
  }
  return undefined;
}
