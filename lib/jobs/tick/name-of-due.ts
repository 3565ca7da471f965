/** What the log calls something that is due. */
import type { LogFields } from '../../core/log.ts';
import type { DueHost } from '../hosts/hosts.ts';
import type { DueMirror, DueNotice } from '../mirror-jobs.ts';

export function nameOfDue(due: DueMirror | DueHost | DueNotice): LogFields {
  if ('outbox' in due) return { notice: JSON.stringify(due.outbox) };
  return 'host' in due ? { host: due.host } : { project: due.projectId, mirror: due.mirror };
}
