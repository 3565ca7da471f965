/** The message on the queue: only a wake-up for one mirror; the table is the truth. */
import type { MirrorKey } from './mirror.ts';
import { objectOf } from './queue-message.ts';

export function encodeJob({ projectId, mirror }: MirrorKey): string {
  return JSON.stringify({ project: projectId, mirror });
}

/** undefined if the text is not a message of ours. */
export function parseJob(text: string): MirrorKey | undefined {
  const value = objectOf(text);
  if (value === undefined) return undefined;
  const { project, mirror, ...rest } = value;
  if (!isId(project) || !(mirror === 'pull' || isId(mirror)) || Object.keys(rest).length > 0) return undefined;
  return { projectId: project, mirror };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
