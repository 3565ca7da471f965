/** The table as use cases see it, but for the life of an update (lib/jobs/mirror-jobs.ts). */

import type { AuthMethod } from '../credentials/registry.ts';
import type { SharedCredential } from '../credentials/shared-credential.ts';
import type { AccessToken } from './access-token.ts';
import type { AuditEvent, AuditFilter, NewAuditEvent } from './audit-event.ts';
import type { Hook } from './hook.ts';
import type { InstanceSettings } from './instance-settings.ts';
import type { Mirror, MirrorKey, MirrorSettings } from './mirror.ts';
import type { ChannelRecords, DeliveryRecords, NoticeRecords } from './notice-records.ts';
import type { MirrorDigest, ProjectDigest } from './overview.ts';
import type { Project, ProjectSettings } from './project.ts';
import type { Activity, Run, RunSummary } from './run.ts';
import type { Person, Session } from './session.ts';

export interface PageRequest {
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
  /** Keyset: only ids beyond this one, whatever the page. */
  readonly idAfter?: number;
  readonly sort?: 'asc' | 'desc';
}

export interface Page<T> {
  readonly items: readonly T[];
  /** undefined where counting would take long: some thousands, 10,000 at most. */
  readonly total: number | undefined;
  readonly hasNext: boolean;
}

/** A project with all that an event or a page about it needs, read in one query. */
export interface ProjectContents {
  readonly project: Project;
  readonly mirrors: readonly Mirror[];
  readonly hooks: readonly Hook[];
}

export interface ProjectRecords {
  /** undefined if the path is taken. */
  create(settings: ProjectSettings, now: number): Promise<Project | undefined>;
  get(id: number): Promise<Project | undefined>;
  /** Is not read where `isWanted` says no: it takes as long as for a path that nobody has. */
  getByPath(path: string, isWanted?: (id: number) => boolean): Promise<Project | undefined>;
  /** Eventually consistent, one query. */
  contents(id: number): Promise<ProjectContents | undefined>;
  /**
   * `undefined` = gone; `path_taken`. Fields left out stay. `basis` = the project that the changes were made from: `changed` if its URL or credential are not
   * those any more, and the changes touch them.
   */
  update(id: number, changes: Partial<ProjectSettings>, basis?: Project): Promise<Project | undefined | 'path_taken' | 'changed'>;
  /** Only if it differs; what a run saw. */
  noteDefaultBranch(id: number, name: string): Promise<void>;
  /** Adds a protected branch; `exists` if the name is there. undefined = project gone. */
  protectBranch(id: number, name: string): Promise<Project | undefined | 'exists'>;
  unprotectBranch(id: number, name: string): Promise<boolean>;
  /** The project first, then all that belongs to it. Resolves with what was there (its secrets are the caller's to delete). */
  delete(id: number): Promise<ProjectContents | undefined>;
  /** By id. `onlyIds` = what a token may see. */
  list(page: PageRequest, onlyIds?: readonly number[]): Promise<Page<Project>>;
  /** Projects whose CodeCommit repository this is, or that have a mirror of it. Possibly out of date: compare URLs again. */
  ofCodeCommit(region: string, repository: string): Promise<readonly number[]>;
}

export interface MirrorRecords {
  /** `exists` = the project has a pull mirror already; undefined = the project is gone. Starts with no request; due at `dueAt`. */
  create(
    projectId: number,
    direction: 'push' | 'pull',
    settings: MirrorSettings,
    at: { readonly now: number; readonly dueAt: number },
  ): Promise<Mirror | 'exists' | undefined>;
  get(key: MirrorKey): Promise<Mirror | undefined>;
  ofProject(projectId: number): Promise<readonly Mirror[]>;
  /**
   * Fields left out stay. `resetStatus` (URL, credentials or host keys changed) sets the status to `none` and un-pauses. Disabling takes it out of
   * the index and settles a waiting request. undefined = gone. With `basis`, the mirror that the changes were made from: `changed` if settings that belong
   * together with changed ones (URL, credential and host keys; the two branch filters) are not those any more.
   */
  update(key: MirrorKey, changes: Partial<MirrorSettings>, options: { readonly resetStatus: boolean }): Promise<Mirror | undefined>;
  update(
    key: MirrorKey,
    changes: Partial<MirrorSettings>,
    options: { readonly resetStatus: boolean; readonly basis: Mirror },
  ): Promise<Mirror | 'changed' | undefined>;
  /** Resolves with what was there. */
  delete(key: MirrorKey): Promise<Mirror | undefined>;
  /** Points every mirror and project that uses one shared credential at another, where `mayUse` says so of its URL; `host` limits it to URLs on that host, `authMethod` is how they sign in from then on. Resolves with those that were changed. */
  transferCredential(
    from: number,
    to: number,
    options?: { readonly host?: string | undefined; readonly mayUse?: (url: string) => boolean; readonly authMethod?: AuthMethod },
  ): Promise<{ readonly mirrors: readonly MirrorKey[]; readonly projects: readonly number[] }>;
  /** Whether any mirror or project uses it (eventually consistent). */
  usesOfCredential(id: number): Promise<number>;
  /** Of the mirrors and projects that use it (eventually consistent). */
  urlsOfCredential(id: number): Promise<readonly string[]>;
  /** Resets and un-pauses the failing mirrors that use it, themselves or through their project (found in an index, which may be a little old). Resolves with them. */
  resetFailingUsers(id: number): Promise<readonly MirrorKey[]>;
}

export interface RunRecords {
  /** Replaces a record of the same id. Refs are stored in chunks where they are many. */
  put(mirrorId: number, run: Run): Promise<void>;
  /** Only if there is none of this id. */
  putIfAbsent(mirrorId: number, run: Run): Promise<void>;
  get(mirrorId: number, runId: string): Promise<Run | undefined>;
  /** Newest first, without refs. */
  list(mirrorId: number, page: PageRequest): Promise<Page<RunSummary>>;
}

export interface ActivityRecords {
  add(projectId: number, runId: string, moves: readonly Activity[]): Promise<void>;
  /** Newest first. */
  list(projectId: number, page: PageRequest): Promise<Page<Activity>>;
}

export interface HookRecords {
  create(projectId: number, hook: Pick<Hook, 'provider' | 'tokenHash'>, now: number): Promise<Hook | undefined>;
  ofProject(projectId: number): Promise<readonly Hook[]>;
  /** One generation on; the old one stays valid until `previousUntil`. */
  rotate(projectId: number, hookId: number, previousUntil: number): Promise<Hook | undefined>;
  delete(projectId: number, hookId: number): Promise<boolean>;
  /** Also clears `silentSince`. */
  noteDelivery(hook: Hook, delivery: { readonly now: number; readonly of: 'project' | 'upstream' | null }): Promise<void>;
  /** Unless a delivery came after `lastDeliveryAt` of this hook. */
  noteSilent(hook: Hook, now: number): Promise<void>;
}

export interface TokenRecords {
  create(token: Omit<AccessToken, 'id'>): Promise<AccessToken>;
  /** By hash; expiry is the caller's to check. */
  find(tokenHash: string): Promise<AccessToken | undefined>;
  get(id: number): Promise<AccessToken | undefined>;
  list(page: PageRequest): Promise<Page<AccessToken>>;
  delete(id: number): Promise<boolean>;
}

export interface CredentialRecords {
  create(
    credential: Omit<SharedCredential, 'id' | 'authMethod' | 'settings' | 'publicKey' | 'allowedUrls' | 'expiresAt' | 'renewingSince'> &
      Partial<Pick<SharedCredential, 'authMethod' | 'settings' | 'publicKey' | 'allowedUrls'>>,
  ): Promise<SharedCredential>;
  get(id: number): Promise<SharedCredential | undefined>;
  update(
    id: number,
    changes: Partial<
      Pick<SharedCredential, 'name' | 'updatedAt' | 'secretName' | 'settings' | 'publicKey' | 'allowedUrls' | 'expiresAt' | 'renewingSince'>
    >,
  ): Promise<SharedCredential | undefined>;
  /** Marks that its token is being renewed, unless it is marked or its end is not `expiresAt` any more. */
  beginRenewal(id: number, renewal: { readonly expiresAt: number | null; readonly now: number }): Promise<boolean>;
  /** Unless it has some; resolves with the credential as it is then. */
  noteAllowedUrls(id: number, urls: readonly string[]): Promise<SharedCredential | undefined>;
  delete(id: number): Promise<boolean>;
  list(page: PageRequest): Promise<Page<SharedCredential>>;
}

/** Comparisons that are still to be asked for, after events may have been lost. */
export interface MissedEvents {
  /** By shard: mirrors that are due up to then are seen to. A shard that is not here is done. */
  readonly seen: Readonly<Record<string, number>>;
  /** When the next comparison may start. */
  readonly next: number;
}

/** What the ticks leave for each other. A part of a tick is named by its first shard. */
export interface TickRecords {
  /**
   * This part ticks now. If it did so before, but not within `gapMs`, then `missed` is to be compared from now on, in the same write. Resolves with what is,
   * and since when there was no tick.
   */
  note(
    part: number,
    tick: { readonly now: number; readonly gapMs: number; readonly missed: MissedEvents },
  ): Promise<{ readonly missed: MissedEvents | null; readonly awaySince: number | null }>;
  /** Whatever was to be compared before. */
  setMissed(part: number, missed: MissedEvents): Promise<void>;
  /** What is left; null = nothing. Unless somebody has set it anew since it was read. */
  leaveMissed(part: number, read: MissedEvents, left: MissedEvents | null): Promise<void>;
}

export interface SettingsRecords {
  /** With defaults for what was never set. At most 5 seconds old unless `fresh`. */
  get(options?: { readonly fresh?: boolean }): Promise<InstanceSettings>;
  update(changes: Partial<InstanceSettings>): Promise<InstanceSettings>;
  /** Types of notices that some channel hears, or once did; as old as the settings, and read with them. */
  heardNotices(): Promise<ReadonlySet<string>>;
  /** Before a channel that hears them is there. */
  addHeardNotices(types: readonly string[]): Promise<void>;
}

export interface SessionRecords {
  create(session: Session): Promise<void>;
  /** By hash; expiry is the caller's to check. */
  find(sessionHash: string): Promise<Session | undefined>;
  delete(sessionHash: string): Promise<void>;
  /** All sessions of a token that were made up to now. */
  deleteOfToken(tokenId: number): Promise<void>;
  /** The same of somebody whom an identity provider vouched for. */
  deleteOfPerson(person: Pick<Person, 'issuer' | 'subject'>): Promise<void>;
  /** Whether this form of the session is seen for the first time (a double click sends it twice). */
  claimForm(session: Pick<Session, 'sessionHash' | 'expiresAt'>, nonce: string): Promise<boolean>;
}

export interface OverviewRecords {
  /** Eventually consistent; ends at `serviceLimits.overviewMirrors`. In no particular order. */
  mirrors(): Promise<readonly MirrorDigest[]>;
  /** Eventually consistent; ends at `serviceLimits.overviewProjects`. By id. */
  projects(): Promise<readonly ProjectDigest[]>;
  /** The mirrors themselves, as they are now, in the order of the keys, without those that are gone. */
  mirrorsOf(keys: readonly MirrorKey[]): Promise<readonly Mirror[]>;
}

export interface AuditRecords {
  /** Resolves with the id. */
  add(event: NewAuditEvent): Promise<number>;
  /** Writes the end of one whose end is not recorded yet. */
  finish(id: number, end: Pick<NewAuditEvent, 'status' | 'changes' | 'target' | 'project'>): Promise<void>;
  /** A bounded number a minute of this process; the others are counted, and told with the next. */
  addRefused(event: NewAuditEvent): Promise<void>;
  get(id: number): Promise<AuditEvent | undefined>;
  /** Newest first unless asked otherwise. `border`: where reading ended, of a page that stopped early since few records fit the filter. */
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent> & { readonly border?: number }>;
}

/**
 * All writes to something that exists are conditional on it existing. Reads by key are strongly consistent unless said otherwise. Everything throws
 * `storage_unavailable` when the table cannot be reached.
 */
export interface Records {
  readonly projects: ProjectRecords;
  readonly mirrors: MirrorRecords;
  readonly runs: RunRecords;
  readonly activity: ActivityRecords;
  readonly hooks: HookRecords;
  readonly tokens: TokenRecords;
  readonly credentials: CredentialRecords;
  readonly settings: SettingsRecords;
  readonly ticks: TickRecords;
  readonly sessions: SessionRecords;
  readonly overview: OverviewRecords;
  readonly notices: NoticeRecords;
  readonly channels: ChannelRecords;
  readonly deliveries: DeliveryRecords;
  readonly audit: AuditRecords;
}
