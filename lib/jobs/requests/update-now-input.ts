/** The input of a direct invocation: which mirror to update. */
import { GitferryError } from '../../core/errors.ts';

export interface UpdateNowInput {
  /** Number or path. */
  readonly project: number | string;
  readonly mirror: number | 'pull';
  readonly confirmDeletions: boolean;
}

/** Throws `invalid_arguments`, naming the field. Numbers are taken as text, too. */
export function parseUpdateNowInput(input: unknown): UpdateNowInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalid('the input must be a JSON object with project and mirror.');
  const { project, mirror, confirm_deletions: confirmDeletions = false, ...rest } = input as Record<string, unknown>;
  const unknown = Object.keys(rest);
  if (unknown.length > 0)
    throw invalid(`unknown field ${JSON.stringify(unknown[0]?.slice(0, 50))}; known are project, mirror and confirm_deletions.`);
  if (typeof confirmDeletions !== 'boolean') throw invalid('confirm_deletions must be true or false.');
  const projectId = idOf(project);
  if (projectId === undefined && (typeof project !== 'string' || !project.includes('/')))
    throw invalid('project must be its number or its path (group/name).');
  const mirrorId = mirror === 'pull' ? mirror : idOf(mirror);
  if (mirrorId === undefined) throw invalid('mirror must be the number of a push mirror or "pull".');
  return { project: projectId ?? (project as string), mirror: mirrorId, confirmDeletions };
}

function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^[1-9]\d{0,15}$/.test(value) ? Number(value) : value;
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

function invalid(detail: string): GitferryError {
  return new GitferryError('invalid_arguments', { detail });
}
