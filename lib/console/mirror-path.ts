/** Where a mirror is: in the console's paths. */
import type { Mirror } from '../model/mirror.ts';
import { parseId } from '../model/parse-id.ts';
import { Refusal } from './refusal.ts';
import type { Visit } from './visit.ts';

export function mirrorPage({ projectId, mirror }: Pick<Mirror, 'projectId' | 'mirror'>): string {
  return `/projects/${projectId}/mirrors/${mirror}`;
}

/** `mirror` as it stands in a path. Throws a Refusal with 404 where there is none, deleted in another tab or never there. */
export async function mirrorOf({ deps }: Visit, projectId: number, mirror: string): Promise<Mirror> {
  const key = mirror === 'pull' ? mirror : parseId(mirror);
  const found = key === undefined ? undefined : await deps.records.mirrors.get({ projectId, mirror: key });
  if (found === undefined) throw new Refusal(404);
  return found;
}

/** `push to git.example.org/a/b.git`, without the URL for whoever may not see it. */
export function mirrorName({ direction, mirror, url }: Pick<Mirror, 'direction' | 'mirror' | 'url'>, seesUrl: boolean): string {
  if (seesUrl) return `${direction === 'push' ? 'Push to' : 'Pull from'} ${url.replace(/^[a-z]+:\/\//, '')}`;
  return direction === 'push' ? `Push mirror ${mirror}` : 'Pull mirror';
}
