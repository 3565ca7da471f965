/** Asks for an update of one mirror, as a direct invocation names it: project by id or path, mirror by id or "pull". */
import { GitferryError } from '../../core/errors.ts';
import type { ProjectRecords } from '../../model/records.ts';
import { type RequestDeps, updateNow } from './request-run.ts';
import { parseUpdateNowInput } from './update-now-input.ts';

export interface InvokedUpdate {
  readonly status: string;
  readonly next_run_at: string | null;
}

/** Throws `invalid_arguments` for input that is not usable, naming the field; `not_found` where there is no such project or mirror. */
export async function updateByInput(
  input: unknown,
  { projects, ...deps }: RequestDeps & { readonly projects: Pick<ProjectRecords, 'getByPath'> },
): Promise<InvokedUpdate> {
  const { project, mirror, confirmDeletions } = parseUpdateNowInput(input);
  const projectId = typeof project === 'number' ? project : (await projects.getByPath(project))?.id;
  const asked = projectId === undefined ? undefined : await updateNow({ projectId, mirror }, { who: 'invoke', confirmDeletions }, deps);
  if (asked === undefined) throw new GitferryError('not_found');
  return { status: asked.status, next_run_at: asked.nextRunAt === null ? null : new Date(asked.nextRunAt).toISOString() };
}
