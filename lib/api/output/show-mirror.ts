/** A mirror as GitLab's API shows it, and what we add. Reporters see no URL. */
import { z } from 'zod';
import { authMethods, methodOf } from '../../credentials/registry.ts';
import { hostKeyFingerprint } from '../../git/transport/host-keys/known-hosts.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import type { ApiDeps } from '../api-deps.ts';
import { isoTime, isoTimeOrNull, type Shown } from '../http/answer.ts';
import { hasRole } from '../http/authenticate.ts';
import { hiderFor } from './hide-addresses.ts';
import { runSchema, showRun } from './show-run.ts';

const time = z.iso.datetime().nullable();

export const hostKeysSchema = z.array(z.object({ fingerprint_sha256: z.string(), fingerprint_md5: z.string(), type: z.string() }));

const common = {
  id: z.int(),
  project_id: z.int(),
  direction: z.enum(['push', 'pull']),
  enabled: z.boolean(),
  paused: z.boolean(),
  url: z.string().optional().meta({ description: 'Not for reporters' }),
  auth_method: z.enum(authMethods),
  credential_id: z.int().nullable(),
  host_keys: hostKeysSchema,
  update_status: z.enum(['none', 'started', 'finished', 'to_retry', 'failed']),
  last_update_started_at: time,
  last_update_at: time,
  last_successful_update_at: time,
  last_error: z.string().nullable(),
  last_error_code: z.string().nullable(),
  last_error_hint: z.string().nullable(),
  last_run: runSchema.nullable(),
  next_run_at: time,
  waiting_for: z
    .enum(['host_down', 'room', 'silent_mode'])
    .nullable()
    .meta({ description: 'What an update that was asked for waits for: the host to answer, a place there, the end of silent mode' }),
  held_back_deletions: z.int(),
  mirror_branch_regex: z.string().nullable(),
  mirror_tags: z.string(),
  lfs: z.enum(['auto', 'on', 'off']),
  lfs_url: z.string().nullable().optional().meta({ description: 'Not for reporters' }),
  lfs_failed_objects: z.int().meta({ description: 'LFS objects that every run offers again; 200 at most' }),
  created_at: z.iso.datetime(),
} as const;

export const pushMirrorSchema = z
  .object({
    ...common,
    only_protected_branches: z.boolean(),
    keep_divergent_refs: z.boolean(),
    delete_ambiguous_refs: z.boolean(),
  })
  .meta({ id: 'RemoteMirror' });

export const pullMirrorSchema = z
  .object({
    ...common,
    mirror_trigger_builds: z.boolean(),
    only_mirror_protected_branches: z.boolean(),
    mirror_overwrites_diverged_branches: z.boolean(),
  })
  .meta({ id: 'PullMirror' });

interface InstanceState {
  /** Silent mode is on. */
  readonly isSilent?: boolean;
}
type Viewer = Pick<AccessToken, 'role'>;
type ItsProject = Pick<Project, 'repositoryUrl'>;

export function showPushMirror(mirror: Mirror, viewer: Viewer, project: ItsProject, state?: InstanceState): Shown<typeof pushMirrorSchema> {
  return {
    ...showMirror(mirror, viewer, project, state),
    only_protected_branches: mirror.onlyProtectedBranches,
    keep_divergent_refs: mirror.keepDivergentRefs,
    delete_ambiguous_refs: mirror.deleteAmbiguousRefs,
  };
}

export function showPullMirror(mirror: Mirror, viewer: Viewer, project: ItsProject, state?: InstanceState): Shown<typeof pullMirrorSchema> {
  return {
    ...showMirror(mirror, viewer, project, state),
    mirror_trigger_builds: false,
    only_mirror_protected_branches: mirror.onlyProtectedBranches,
    mirror_overwrites_diverged_branches: mirror.mirrorOverwritesDivergedBranches,
  };
}

/** What mirrors of both directions have. Reporters see nothing of either end's address. */
export function showMirror(
  mirror: Mirror,
  viewer: Viewer,
  project: ItsProject,
  { isSilent = false }: InstanceState = {},
): Shown<z.ZodObject<typeof common>> {
  const seesUrl = hasRole(viewer, 'maintainer');
  const hidden = hiderFor(viewer, mirror, project);
  const { lastError, lastRun } = mirror;
  return {
    id: mirror.id,
    project_id: mirror.projectId,
    direction: mirror.direction,
    enabled: mirror.enabled,
    paused: mirror.paused,
    ...(seesUrl ? { url: maskedUrl(mirror.url, mirror) } : {}),
    auth_method: mirror.authMethod,
    credential_id: mirror.credential?.kind === 'shared' ? mirror.credential.credentialId : null,
    host_keys: showHostKeys(mirror.hostKeys),
    update_status: mirror.updateStatus,
    last_update_started_at: isoTimeOrNull(mirror.lastUpdateStartedAt),
    last_update_at: isoTimeOrNull(mirror.lastUpdateAt),
    last_successful_update_at: isoTimeOrNull(mirror.lastSuccessfulUpdateAt),
    last_error: lastError === null ? null : hidden(lastError.message),
    last_error_code: lastError?.code ?? null,
    last_error_hint: lastError === null ? null : hidden(lastError.hint),
    last_run: lastRun === null ? null : showRun(lastRun, hidden),
    next_run_at: isoTimeOrNull(nextRunAt(mirror)),
    waiting_for: waitingFor(mirror, isSilent),
    held_back_deletions: mirror.heldBackDeletions,
    mirror_branch_regex: mirror.mirrorBranchRegex,
    mirror_tags: mirror.mirrorTags,
    lfs: mirror.lfs,
    ...(seesUrl ? { lfs_url: mirror.lfsUrl } : {}),
    lfs_failed_objects: mirror.lfsState?.failed.length ?? 0,
    created_at: isoTime(mirror.createdAt),
  };
}

/** As GitLab shows a URL with credentials, of which a key pair has no password; what is stored has none in it. */
export function maskedUrl(url: string, { credential, authMethod }: Pick<Mirror, 'credential' | 'authMethod'>): string {
  if (credential === null) return url;
  return url.replace('://', methodOf(authMethod).makesKeyPair ? '://*****@' : '://*****:*****@');
}

export function showHostKeys(stored: readonly string[]): Shown<typeof hostKeysSchema> {
  return stored.flatMap((line) => {
    const key = hostKeyFingerprint(line);
    return key === undefined ? [] : [{ fingerprint_sha256: key.sha256, fingerprint_md5: key.md5, type: key.type }];
  });
}

/** What only the instance's settings say of a mirror. */
export async function stateOfInstance({ deps }: { readonly deps: Pick<ApiDeps, 'records'> }): Promise<{ readonly isSilent: boolean }> {
  return { isSilent: (await deps.records.settings.get()).silentModeEnabled };
}

function waitingFor({ queuedAt, leaseToken, waiting }: Mirror, isSilent: boolean): 'host_down' | 'room' | 'silent_mode' | null {
  if (queuedAt === null || leaseToken !== null) return null;
  return isSilent ? 'silent_mode' : (waiting?.for ?? null);
}

/** null while a run is under way, and for mirrors that run no more. */
function nextRunAt({ enabled, paused, queuedAt, queuedFor, leaseToken, dueAt }: Mirror): number | null {
  if (!enabled || paused) return null;
  if (queuedAt !== null) return queuedFor ?? queuedAt;
  return leaseToken === null ? dueAt : null;
}
