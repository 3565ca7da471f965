/** Whose event it is: the project's own repository's, its upstream's, or somebody else's. */
import { printable } from '../core/printable.ts';
import type { Mirror } from '../model/mirror.ts';
import type { ProjectContents } from '../model/records.ts';
import { describePlace, isExactlyPlace, isSamePlace, type RepositoryPlace, repositoryPlace } from './repository-place.ts';
import { webhookLimits } from './webhook-limits.ts';

export interface RepositoryMatch {
  /** null = the event does not say whose it is, it may be either's, or it is nobody's here. */
  readonly of: 'project' | 'upstream' | null;
  /** Mirrors whose source is that repository: the project's push mirrors, or its pull mirror. */
  readonly mirrors: readonly Mirror[];
  /** Why there are none. */
  readonly reason?: string;
}

/**
 * Compares every address that an event gives with the project's URL and its pull mirror's. An address that is the very same wins over one that may only be
 * another way to the same repository: two forges may share a host name, and their paths too. Where that leaves both ends, both are asked. An event that
 * names no repository at all (undefined) is taken for all mirrors of the hook's project. Renames are not followed.
 */
export function matchRepository(repositories: readonly string[] | undefined, { project, mirrors }: ProjectContents): RepositoryMatch {
  if (repositories === undefined) return { of: null, mirrors, ...(mirrors.length === 0 ? { reason: 'the project has no mirrors' } : {}) };
  const places = repositories.slice(0, webhookLimits.repositoryAddresses).flatMap((text) => repositoryPlace(text) ?? []);
  const pushed = mirrors.filter(({ direction }) => direction === 'push');
  const ofProject = matchOf(project.repositoryUrl, places);
  const pulled = mirrors.filter(({ direction }) => direction === 'pull').map((mirror) => ({ mirror, match: matchOf(mirror.url, places) }));
  const exact = ofProject === 'exact' || pulled.some(({ match }) => match === 'exact') ? 'exact' : 'alike';
  const upstream = pulled.filter(({ match }) => match === exact).map(({ mirror }) => mirror);
  if (ofProject !== exact) {
    if (upstream.length > 0) return { of: 'upstream', mirrors: upstream };
    return { of: null, mirrors: [], reason: strangersReason(places[0]) };
  }
  if (upstream.length > 0) return { of: null, mirrors: [...pushed, ...upstream] };
  return { of: 'project', mirrors: pushed, ...(pushed.length === 0 ? { reason: 'the project has no push mirrors' } : {}) };
}

/** `exact`: scheme, host, port and path are the same. `alike`: as far as one can tell from outside. */
function matchOf(url: string, named: readonly RepositoryPlace[]): 'exact' | 'alike' | undefined {
  const place = repositoryPlace(url);
  if (place === undefined) return undefined;
  if (named.some((one) => isExactlyPlace(one, place))) return 'exact';
  return named.some((one) => isSamePlace(one, place)) ? 'alike' : undefined;
}

function strangersReason(place: RepositoryPlace | undefined): string {
  if (place === undefined) return 'the event names no repository that could be compared';
  const name = printable(describePlace(place)).slice(0, webhookLimits.wordsCharacters);
  return `the event is about ${name}, which is neither the repository of this project nor its upstream`;
}
