/** What people are told when a run has settled its mirror: only what has changed with it, never the run itself. Pure. */

import { serviceLimits } from '../../core/service-limits.ts';
import { methodOf } from '../../credentials/registry.ts';
import type { RefusedCredential } from '../../credentials/shared-credential.ts';
import type { RefOutcome } from '../../mirror/outcome.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Decision, Notice } from '../../model/notice.ts';
import type { Project } from '../../model/project.ts';
import type { FinishedRun, Settlement } from './settle-run.ts';

export interface SettledRun {
  /** As it was when the run took the lease. */
  readonly mirror: Mirror;
  readonly run: Pick<FinishedRun, 'id' | 'finishedAt'>;
  readonly settlement: Settlement;
  /** Where its credentials are used; undefined = nothing was asked of a host. */
  readonly project: Pick<Project, 'repositoryUrl' | 'credential'> | undefined;
}

/** A notice but for what makes it one of the outbox. */
export type News = Omit<Notice, 'id' | 'ifNoted'>;

export interface NewsOfRun {
  readonly news: readonly News[];
  /** It begins to fail because this credential is refused, or (`ends`) is well again after that. Told once for all mirrors that use it. */
  readonly refused?: { readonly credential: RefusedCredential; readonly ends: boolean };
}

export function newsOfRun({ mirror, run, settlement, project }: SettledRun): NewsOfRun {
  const { release, news: change, pauses } = settlement;
  const { status } = release;
  const about = { at: run.finishedAt, mirror: { projectId: mirror.projectId, mirror: mirror.mirror }, runId: run.id };
  const error = status.lastError ?? undefined;
  const news: News[] = [];
  const refused = refusedCredential(mirror, project, settlement);
  const decision = decisionOf(mirror, settlement);
  if (change === 'failing' && refused === undefined) {
    const since = status.failingSince ?? run.finishedAt;
    const why = error === undefined ? {} : { error };
    news.push(
      decision === undefined
        ? { ...about, type: 'mirror.failing', since, ...why }
        : { ...about, type: 'mirror.needs_decision', since, decision, ...why },
    );
  }
  const isFirst = mirror.lastSuccessfulUpdateAt === null && status.lastSuccessfulUpdateAt !== undefined;
  if (isFirst) news.push({ ...about, type: 'mirror.first_success', since: mirror.createdAt });
  else if (change === 'recovered' && refused === undefined)
    news.push({ ...about, type: 'mirror.recovered', since: mirror.failingSince ?? mirror.lastSuccessfulUpdateAt ?? mirror.createdAt });
  if (pauses && (mirror.refusedCredential ?? undefined) === undefined)
    news.push({ ...about, type: 'mirror.paused', since: status.failingSince ?? run.finishedAt, ...(error === undefined ? {} : { error }) });
  const heldBack = status.heldBackDeletions ?? 0;
  if (heldBack > 0 && mirror.heldBackDeletions === 0)
    news.push({ ...about, type: 'mirror.needs_decision', since: run.finishedAt, decision: 'deletions_held_back', count: heldBack });
  return { news, ...(refused === undefined ? {} : { refused }) };
}

/** What machines start on: refs that moved, whatever else became of the run. undefined = none did. */
export function updateOfRun({ mirror, run }: Pick<SettledRun, 'mirror' | 'run'>, moved: readonly RefOutcome[]): News | undefined {
  if (moved.length === 0) return undefined;
  return {
    type: 'mirror.updated',
    at: run.finishedAt,
    since: run.finishedAt,
    mirror: { projectId: mirror.projectId, mirror: mirror.mirror },
    runId: run.id,
    refs: moved.slice(0, serviceLimits.noticeRefs).map(({ ref, result, old, new: value }) => ({ ref, result, old, new: value })),
    refsTotal: moved.length,
  };
}

function decisionOf({ authMethod, lastSuccessfulUpdateAt }: Mirror, { release }: Settlement): Decision | undefined {
  const code = release.status.lastError?.code;
  if (code === 'default_branch_diverged') return 'default_branch_diverged';
  // A key that has never worked is one that nobody has put there yet.
  return code === 'credentials_refused' && methodOf(authMethod).makesKeyPair && lastSuccessfulUpdateAt === null
    ? 'key_not_at_host'
    : undefined;
}

function refusedCredential(mirror: Mirror, project: SettledRun['project'], { news, release }: Settlement): NewsOfRun['refused'] {
  const before = mirror.refusedCredential ?? undefined;
  if (news === 'recovered') return before === undefined ? undefined : { credential: before, ends: true };
  const { code, message = '' } = release.status.lastError ?? {};
  if (news !== 'failing' || code !== 'credentials_refused' || project === undefined) return undefined;
  const ends = [
    { url: mirror.url, credential: mirror.credential },
    { url: project.repositoryUrl, credential: project.credential },
  ];
  // The message names the host that refused; where both ends are there, the mirror's own comes first, as its trouble would.
  for (const { url, credential } of ends) {
    if (credential?.kind !== 'shared' || !URL.canParse(url)) continue;
    const { host, hostname } = new URL(url);
    if (message.includes(hostname)) return { credential: { credentialId: credential.credentialId, host: host.toLowerCase() }, ends: false };
  }
  return undefined;
}
