/** The overview's rows out of what the table tells: what a token may see, searched, counted, filtered, the worst first. Pure. */
import { hasRole, maySee } from '../api/http/authenticate.ts';
import type { AccessToken } from '../model/access-token.ts';
import type { MirrorDigest, ProjectDigest } from '../model/overview.ts';
import { type MirrorState, mirrorState, mirrorStates } from './mirror-state.ts';

/** A mirror, or a project that has none. */
export interface OverviewRow {
  readonly project: ProjectDigest;
  readonly mirror: MirrorDigest | undefined;
  readonly state: MirrorState | 'no_mirror';
}

/** What people filter by: trouble that mends itself counts as trouble, and what waits for a person is paused, whoever paused it. */
export const stateGroups = ['failing', 'paused', 'running', 'healthy', 'waiting'] as const;
export type StateGroup = (typeof stateGroups)[number];

const groupOf: Readonly<Record<OverviewRow['state'], StateGroup>> = {
  failing: 'failing',
  retrying: 'failing',
  paused: 'paused',
  disabled: 'paused',
  running: 'running',
  healthy: 'healthy',
  waiting: 'waiting',
  no_mirror: 'waiting',
};

export interface OverviewInput {
  readonly mirrors: readonly MirrorDigest[];
  readonly projects: readonly ProjectDigest[];
  readonly viewer: Pick<AccessToken, 'role' | 'projectIds'>;
  readonly search: string;
  readonly group: StateGroup | undefined;
}

export interface OverviewRows {
  /** All that fit search and filter, the worst first. */
  readonly rows: readonly OverviewRow[];
  /** Of all that fit the search. */
  readonly counts: Readonly<Record<StateGroup, number>>;
  /** Mirrors and projects without one that fit the search. */
  readonly total: number;
}

/** Reporters see no URLs, so their search does not look at them. */
export function overviewRows({ mirrors, projects, viewer, search, group }: OverviewInput): OverviewRows {
  const seesUrls = hasRole(viewer, 'maintainer');
  const visible = new Map(projects.filter(({ id }) => maySee(viewer, id)).map((project) => [project.id, project]));
  // The index of mirrors may know one whose project is gone, or not listed yet: it is left out until both agree.
  const ofMirrors = mirrors.flatMap((mirror): OverviewRow[] => {
    const project = visible.get(mirror.projectId);
    return project === undefined ? [] : [{ project, mirror, state: mirrorState(mirror) }];
  });
  const mirrored = new Set(ofMirrors.map(({ project }) => project.id));
  const bare = [...visible.values()].filter(({ id }) => !mirrored.has(id));
  const all = [...ofMirrors, ...bare.map((project): OverviewRow => ({ project, mirror: undefined, state: 'no_mirror' }))];
  const found = all.filter((row) => fits(row, search.toLowerCase(), seesUrls));
  const counts = { failing: 0, paused: 0, running: 0, healthy: 0, waiting: 0 };
  for (const { state } of found) counts[groupOf[state]]++;
  const rows = (group === undefined ? found : found.filter(({ state }) => groupOf[state] === group)).sort(byTrouble);
  return { rows, counts, total: found.length };
}

function fits({ project, mirror }: OverviewRow, word: string, seesUrls: boolean): boolean {
  if (word === '') return true;
  if (project.path.toLowerCase().includes(word)) return true;
  return seesUrls && [project.repositoryUrl, mirror?.url ?? ''].some((url) => withoutScheme(url).toLowerCase().includes(word));
}

/** `https://git.example.org/a/b.git` → `git.example.org/a/b.git` */
export function withoutScheme(url: string): string {
  return url.replace(/^[a-z]+:\/\//, '');
}

const ranks = new Map<OverviewRow['state'], number>([...mirrorStates, 'no_mirror' as const].map((state, rank) => [state, rank]));

/** By state, then whoever fails longest, then by name. */
function byTrouble(one: OverviewRow, other: OverviewRow): number {
  const rank = (ranks.get(one.state) ?? 0) - (ranks.get(other.state) ?? 0);
  if (rank !== 0) return rank;
  const since = (one.mirror?.failingSince ?? Number.MAX_SAFE_INTEGER) - (other.mirror?.failingSince ?? Number.MAX_SAFE_INTEGER);
  if (since !== 0) return since;
  const [path, otherPath] = [one.project.path, other.project.path];
  return path < otherPath ? -1 : path > otherPath ? 1 : (one.mirror?.id ?? 0) - (other.mirror?.id ?? 0);
}
