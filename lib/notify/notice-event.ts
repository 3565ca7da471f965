/** A notice as receivers get it (docs/notifications.md): names instead of ids, words, a link, and no address that the channel's readers may not see. */

import type { CredentialReference } from '../credentials/shared-credential.ts';
import type { Channel } from '../model/channel.ts';
import type { Mirror } from '../model/mirror.ts';
import { type Notice, noticeTypes } from '../model/notice.ts';
import type { ProjectContents, Records } from '../model/records.ts';
import type { NoticeEvent } from './published-event.ts';
import { describe } from './words.ts';

export interface EventDeps {
  readonly records: Pick<Records, 'projects' | 'credentials' | 'mirrors' | 'overview'>;
  readonly publicUrl: string;
  /** The words without what they say of both ends. */
  hide(mirror: Mirror, project: ProjectContents['project']): (words: string) => string;
}

/** undefined = what it is about is gone. Throws `storage_unavailable`. */
export async function eventOf(notice: Notice, channel: Channel, deps: EventDeps): Promise<NoticeEvent | undefined> {
  const { mirror: key } = notice;
  const contents = key === undefined ? undefined : await deps.records.projects.contents(key.projectId);
  const mirror = contents?.mirrors.find((one) => key !== undefined && one.mirror === key.mirror);
  if (key !== undefined && (contents === undefined || mirror === undefined)) return undefined;
  const credential = notice.credentialId === undefined ? undefined : await deps.records.credentials.get(notice.credentialId);
  const mirrors = notice.host === undefined ? null : await countMirrors(notice, channel, deps);
  const isShown = channel.showAddresses;
  const hide = isShown || mirror === undefined || contents === undefined ? (words: string) => words : deps.hide(mirror, contents.project);
  const { error = null } = notice;
  const { id, type } = notice;
  const facts = {
    id,
    type,
    severity: noticeTypes[type].severity,
    occurred_at: new Date(notice.at).toISOString(),
    since: new Date(notice.since).toISOString(),
    link: `${deps.publicUrl}${pathOf(notice, channel)}`,
    project: contents === undefined ? null : { id: contents.project.id, path: contents.project.path },
    mirror: mirror === undefined ? null : shownMirror(mirror, isShown),
    host: isShown ? (notice.host ?? null) : null,
    // A project's maintainers do not see the names of shared credentials.
    credential: credential === undefined || channel.projectId !== null ? null : { id: credential.id, name: credential.name },
    mirrors,
    decision: notice.decision ?? null,
    count: notice.count ?? null,
    // Of a host or credential, it is the catalogue's sentence, or names the host.
    error: error === null || (mirror === undefined && !isShown) ? null : { ...error, message: hide(error.message), hint: hide(error.hint) },
    run_id: notice.runId ?? null,
    refs: notice.refs ?? null,
    refs_total: notice.refsTotal ?? null,
  };
  return { ...facts, ...describe(facts) };
}

function shownMirror({ id, mirror, direction, url }: Mirror, isShown: boolean): NonNullable<NoticeEvent['mirror']> {
  return { id, name: String(mirror), direction, ...(isShown ? { url } : {}) };
}

function pathOf({ mirror, runId, hookId, credentialId }: Notice, { projectId }: Channel): string {
  if (mirror === undefined && projectId !== null) return `/projects/${projectId}`;
  if (mirror === undefined) return credentialId === undefined ? '/?state=failing' : '/settings/credentials';
  if (hookId !== undefined) return `/projects/${mirror.projectId}#webhooks`;
  const page = `/projects/${mirror.projectId}/mirrors/${mirror.mirror}`;
  return runId === undefined ? page : `${page}/runs/${encodeURIComponent(runId)}`;
}

/** Of the channel's project, or of all: mirrors that talk to this host, or use this credential there. */
async function countMirrors({ host, credentialId }: Notice, { projectId }: Channel, { records }: EventDeps): Promise<number> {
  if (host === undefined) return 0;
  if (projectId !== null) {
    const { project, mirrors = [] } = (await records.projects.contents(projectId)) ?? {};
    const end = project === undefined ? [] : [{ url: project.repositoryUrl, credential: project.credential }];
    return mirrors.filter((mirror) => mirror.enabled && [...end, mirror].some((one) => isAt(one, host, credentialId))).length;
  }
  if (credentialId !== undefined)
    return (await records.mirrors.urlsOfCredential(credentialId)).filter((url) => hostOf(url) === host).length;
  const [mirrors, projects] = await Promise.all([records.overview.mirrors(), records.overview.projects()]);
  const there = new Set(projects.filter(({ repositoryUrl }) => hostOf(repositoryUrl) === host).map(({ id }) => id));
  return mirrors.filter((mirror) => mirror.enabled && (there.has(mirror.projectId) || hostOf(mirror.url) === host)).length;
}

export interface End {
  readonly url: string;
  readonly credential: CredentialReference | null;
}

export function isAt({ url, credential }: End, host: string, credentialId: number | undefined): boolean {
  const uses = credentialId === undefined || (credential?.kind === 'shared' && credential.credentialId === credentialId);
  return uses && hostOf(url) === host;
}

/** As hosts are named in the table (lib/jobs/hosts/host-places.ts). */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host.toLowerCase() : undefined;
}
