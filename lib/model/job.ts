/** The message on the queue: only a wake-up for one mirror; the table is the truth. */
import type { MirrorKey } from './mirror.ts';

export function encodeJob({ projectId, mirror }: MirrorKey): string {
  return JSON.stringify({ project: projectId, mirror });
}

/** undefined if the text is not a message of ours. */
export function parseJob(text: string): MirrorKey | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { project, mirror, ...rest } = value as { project?: unknown; mirror?: unknown };
  if (!isId(project) || !(mirror === 'pull' || isId(mirror)) || Object.keys(rest).length > 0) return undefined;
  return { projectId: project, mirror };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
