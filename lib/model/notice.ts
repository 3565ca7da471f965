/** What people are told of: a change of a mirror, a host, a credential or a hook, kept in the table until every channel that wants it has it. */
import { serviceLimits } from '../core/service-limits.ts';
import type { RefusedCredential } from '../credentials/shared-credential.ts';
import type { MirrorKey } from './mirror.ts';
import type { LastError, RunRef } from './run.ts';

export const severities = ['info', 'warning', 'error'] as const;
export type Severity = (typeof severities)[number];

/**
 * `severity` is shown. `weighs` decides which channels hear of it: whoever hears of a trouble hears of its end, too. `isUsual` = a channel that names no events
 * gets it.
 */
export const noticeTypes = {
  'mirror.failing': { severity: 'error', weighs: 'error', isUsual: true },
  'mirror.recovered': { severity: 'info', weighs: 'error', isUsual: true },
  'mirror.paused': { severity: 'error', weighs: 'error', isUsual: true },
  'mirror.needs_decision': { severity: 'warning', weighs: 'warning', isUsual: true },
  'mirror.first_success': { severity: 'info', weighs: 'info', isUsual: false },
  'mirror.updated': { severity: 'info', weighs: 'info', isUsual: false },
  'host.down': { severity: 'error', weighs: 'error', isUsual: true },
  'host.up': { severity: 'info', weighs: 'error', isUsual: true },
  'credential.refused': { severity: 'error', weighs: 'error', isUsual: true },
  'credential.accepted': { severity: 'info', weighs: 'error', isUsual: true },
  'hook.silent': { severity: 'warning', weighs: 'warning', isUsual: true },
} as const satisfies Readonly<Record<string, { readonly severity: Severity; readonly weighs: Severity; readonly isUsual: boolean }>>;
export type NoticeType = keyof typeof noticeTypes;
export const noticeTypeNames = Object.keys(noticeTypes) as [NoticeType, ...NoticeType[]];

/** Why somebody has to decide. */
export type Decision = 'deletions_held_back' | 'default_branch_diverged' | 'key_not_at_host';

/** Times are milliseconds since 1970. Without addresses of its own: those are read when it is told. */
export interface Notice {
  /** Unique, and the same however often the change is written: what receivers tell a repetition by. */
  readonly id: string;
  readonly type: NoticeType;
  readonly at: number;
  /** Since when what it tells of has been so. */
  readonly since: number;
  /** Whose mirror it is about; absent = it is about a host or credential that many may use. */
  readonly mirror?: MirrorKey;
  readonly runId?: string;
  readonly host?: string;
  readonly credentialId?: number;
  readonly hookId?: number;
  readonly decision?: Decision;
  /** Deletions that were held back. */
  readonly count?: number;
  readonly error?: LastError;
  /** The first that moved; `refsTotal` counts all. */
  readonly refs?: readonly Pick<RunRef, 'ref' | 'result' | 'old' | 'new'>[];
  readonly refsTotal?: number;
  /**
   * It is written before the change it tells of, and told only if that took place: then the mirror (while this lease is held, it is not known yet) or the host
   * (once it has this version) has its id in `newsIds`. Without it, it is true by itself.
   */
  readonly ifNoted?: { readonly leaseToken: string } | { readonly hostVersion: number };
}

/** The newest first. */
export function withNews(ids: readonly string[], before: readonly string[] = []): readonly string[] {
  return [...ids, ...before].slice(0, serviceLimits.newsIds);
}

/** Where notices are left by whoever makes a change. */
export interface NoticeOutbox {
  /** Whether any channel wants to hear of it, as known some seconds ago. */
  isHeard(type: NoticeType): Promise<boolean>;
  /** Before the change. The same id again changes nothing. Throws `storage_unavailable`. */
  put(notice: Notice): Promise<void>;
  /** After the change: they are told now. Never throws: the tick does what is left. */
  wake(ids: readonly string[]): Promise<void>;
  /** Since when this credential is known to be refused: now, if nobody knew. Throws `storage_unavailable`. */
  noteRefused(credential: RefusedCredential): Promise<number>;
  /** As before; undefined = it is not known to be. */
  refusedSince(credential: RefusedCredential): Promise<number | undefined>;
  noteAccepted(credential: RefusedCredential): Promise<void>;
  /** For the tick: what was due at `read` is told again now, and looked at again after a minute. false = it has changed since it was read. */
  again(key: NoticeKey, read: number): Promise<boolean>;
}

/** Names what a message on the queue of notices is about: a notice, or one delivery to one channel. */
export type NoticeKey = { readonly notice: string } | { readonly channel: number; readonly delivery: string };
