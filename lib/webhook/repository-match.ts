/** Whose event it is: the project's own repository's, its upstream's, or somebody else's. */
import { printable } from '../core/printable.ts';
import type { Mirror } from '../model/mirror.ts';
import type { ProjectContents } from '../model/records.ts';
import { describePlace, isSamePlace, type RepositoryPlace, repositoryPlace } from './repository-place.ts';
import { webhookLimits } from './webhook-limits.ts';

export interface RepositoryMatch {
  /** null = the event does not say whose it is, or it is nobody's here. */
  readonly of: 'project' | 'upstream' | null;
  /** Mirrors whose source is that repository: the project's push mirrors, or its pull mirror. */
  readonly mirrors: readonly Mirror[];
  /** Why there are none. */
  readonly reason?: string;
}

/**
 * Compares every address that an event gives with the project's URL and its pull mirror's. An event that names no repository at all (undefined) is taken
 * for all mirrors of the hook's project. Renames are not followed.
 */
export function matchRepository(repositories: readonly string[] | undefined, { project, mirrors }: ProjectContents): RepositoryMatch {
  if (repositories === undefined) return { of: null, mirrors, ...(mirrors.length === 0 ? { reason: 'the project has no mirrors' } : {}) };
  const places = repositories.slice(0, webhookLimits.repositoryAddresses).flatMap((text) => repositoryPlace(text) ?? []);
  const isNamed = (url: string): boolean => {
    const place = repositoryPlace(url);
    return place !== undefined && places.some((named) => isSamePlace(named, place));
  };
  if (isNamed(project.repositoryUrl)) {
    const pushed = mirrors.filter(({ direction }) => direction === 'push');
    return { of: 'project', mirrors: pushed, ...(pushed.length === 0 ? { reason: 'the project has no push mirrors' } : {}) };
  }
  const pulled = mirrors.filter(({ direction, url }) => direction === 'pull' && isNamed(url));
  if (pulled.length > 0) return { of: 'upstream', mirrors: pulled };
  return { of: null, mirrors: [], reason: strangersReason(places[0]) };
}

function strangersReason(place: RepositoryPlace | undefined): string {
  if (place === undefined) return 'the event names no repository that could be compared';
  const name = printable(describePlace(place)).slice(0, webhookLimits.wordsCharacters);
  return `the event is about ${name}, which is neither the repository of this project nor its upstream`;
}
