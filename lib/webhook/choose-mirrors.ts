/** Which mirrors an event concerns: those of its repository that are switched on and whose rules let one of its refs pass. */
import type { Mirror, MirrorKey } from '../model/mirror.ts';
import type { ProjectContents } from '../model/records.ts';
import type { WebhookEvent } from './delivery.ts';
import { passesFilter } from './ref-filter.ts';
import { matchRepository } from './repository-match.ts';

export interface Choice {
  readonly of: 'project' | 'upstream' | null;
  readonly keys: readonly MirrorKey[];
  /** Why there is none. */
  readonly reason: string | undefined;
}

export async function chooseMirrors(event: WebhookEvent, contents: ProjectContents): Promise<Choice> {
  const { of, mirrors, reason } = matchRepository(event.repositories, contents);
  if (event.kind === 'ping') return { of, keys: [], reason: 'the hook works: this was a test' };
  if (event.kind === 'other') return { of, keys: [], reason: `events of the kind ${event.name} move no refs` };
  if (reason !== undefined) return { of, keys: [], reason };
  return { of, ...(await filterMirrors(mirrors, event.refs, contents)) };
}

/** Of these mirrors those that an event with these refs (undefined = any may have moved) is for. */
export async function filterMirrors(
  mirrors: readonly Mirror[],
  refs: readonly string[] | undefined,
  contents: ProjectContents,
): Promise<Omit<Choice, 'of'>> {
  const concerned = mirrored(refs);
  if (concerned?.length === 0) return { keys: [], reason: 'only branches and tags are mirrored' };
  const verdicts = await Promise.all(mirrors.map((mirror) => objection(mirror, concerned, contents)));
  const asked = mirrors.filter((_, index) => verdicts[index] === undefined);
  if (asked.length === 0) return { keys: [], reason: [...new Set(verdicts)].join('; ') };
  return { keys: asked.map(({ projectId, mirror }) => ({ projectId, mirror })), reason: undefined };
}

/** Of an event's refs, branches and tags. */
export function mirrored(refs: readonly string[] | undefined): readonly string[] | undefined {
  return refs?.filter((ref) => /^refs\/(?:heads|tags)\/./.test(ref));
}

/** Why this mirror is not asked. A paused one resumes by "update now" or a change of its settings only. */
async function objection(mirror: Mirror, refs: readonly string[] | undefined, { project }: ProjectContents): Promise<string | undefined> {
  if (!mirror.enabled) return 'the mirror is disabled';
  if (mirror.paused) return 'the mirror is paused after many failures';
  if (refs === undefined || (await passesFilter(refs, mirror, project))) return undefined;
  return "the mirror's rules leave out every ref of the event";
}
