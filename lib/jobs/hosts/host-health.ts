/** Whether a host answers, as one fact for all its mirrors: what its failures mean, when it is asked again, and when people are told. Pure. */
import type { ErrorCode } from '../../core/error-catalogue.ts';
import { limits } from '../../core/limits.ts';
import type { MirrorKey } from '../../model/mirror.ts';

/** A mirror whose last run got no answer from the host. */
export interface HostFailure extends MirrorKey {
  readonly at: number;
  /** The first of these in a row, and how many. */
  readonly since: number;
  readonly times: number;
  readonly code: ErrorCode;
  /** The host answered others in between: the mirror's own trouble, until it gets an answer itself. */
  readonly own: boolean;
}

export interface HostHealth {
  readonly failures: readonly HostFailure[];
  /** When a run last got an answer, as far as somebody had to know; 0 = never. */
  readonly answeredAt: number;
  /** Since when all its mirrors wait; null = it answers, or too little speaks against it. */
  readonly downSince: number | null;
  /** When a waiting run may ask it again. */
  readonly probeAt: number;
  readonly probedAt: number;
}

export const healthy: HostHealth = { failures: [], answeredAt: 0, downSince: null, probeAt: 0, probedAt: 0 };

/** Codes of a host that gives no answer worth the name, whatever the repository. */
const codesOfHosts: ReadonlySet<ErrorCode> = new Set(['dns_failed', 'connection_failed', 'timed_out', 'server_error', 'rate_limited']);
/** These cannot come from one repository alone. */
const codesOfWholeHosts: ReadonlySet<ErrorCode> = new Set(['dns_failed', 'connection_failed']);
/** Reasons of our own to end a conversation, which say nothing about the host. */
const codesOfOurs: ReadonlySet<ErrorCode> = new Set([
  'deadline_exceeded',
  'run_interrupted',
  'silent_mode',
  'memory_short',
  'internal_error',
  'address_blocked',
]);

/** What an error says of the host that the run was talking to. */
export function meaningForHost(code: ErrorCode): 'no answer' | 'answer' | 'nothing' {
  if (codesOfHosts.has(code)) return 'no answer';
  return codesOfOurs.has(code) ? 'nothing' : 'answer';
}

/** Whether the mirrors of this project have to wait until the host answers. Where only one project has seen it fail, it may be that project's repositories. */
export function isDownFor({ downSince, ...health }: HostHealth, projectId: number): boolean {
  const ofProject = evidence(health).filter((failure) => failure.projectId === projectId);
  return downSince !== null || total(ofProject) >= limits.hostFailures;
}

/** Whether it gave the last ones that asked no answer: then one run at a time asks it, and nobody is called because there is room. */
export function isUnwell(health: HostHealth): boolean {
  return health.downSince !== null || evidence(health).length > 0;
}

/** Whether a run may ask a host that is down: from time to time anyone, somewhat sooner somebody who asks by hand. */
export function mayProbe({ probeAt, probedAt }: HostHealth, now: number, isByHand: boolean): boolean {
  // A time that only a clock ahead of ours can have set does not count.
  if (now >= probeAt || now < probedAt) return true;
  return isByHand && now >= probedAt + limits.hostProbeByHandMs;
}

export function withProbe(health: HostHealth, now: number): HostHealth {
  return { ...health, probedAt: now, probeAt: now + probeIntervalMs(health, now) };
}

/** Since when the mirrors of this project get no answer; null = they do. */
export function silentSince({ downSince, ...health }: HostHealth, projectId: number): number | null {
  const times = evidence(health)
    .filter((failure) => failure.projectId === projectId)
    .map(({ since }) => since);
  return downSince ?? (times.length === 0 ? null : Math.min(...times));
}

export interface FailedAsking {
  readonly key: MirrorKey;
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly now: number;
}

/** `host` = the run waits for the host and spends no attempt; `own` = it counts as the mirror's failure. */
export function afterNoAnswer(
  health: HostHealth,
  { key, code, retryAfterSeconds = 0, now }: FailedAsking,
): { readonly health: HostHealth; readonly fault: 'host' | 'own' } {
  const before = health.failures.find((failure) => isSame(failure, key));
  const own = before !== undefined && (before.own || before.at <= health.answeredAt);
  const row = own || before === undefined ? { since: now, times: 1 } : { since: before.since, times: before.times + 1 };
  const failure = { projectId: key.projectId, mirror: key.mirror, at: now, ...row, code, own };
  const others = health.failures.filter((other) => !isSame(other, key) && now - other.at < limits.hostFailureAgeMs);
  const failures = [...others, failure].slice(-limits.hostFailuresKept);
  if (own) return { health: { ...health, failures }, fault: 'own' };
  const against = evidence({ ...health, failures });
  const isWhole = against.some((each) => codesOfWholeHosts.has(each.code)) || new Set(against.map(({ projectId }) => projectId)).size > 1;
  const isDown = health.downSince !== null || (isWhole && total(against) >= limits.hostFailures);
  const downSince = isDown ? (health.downSince ?? Math.min(...against.map(({ since }) => since))) : null;
  const askedToWaitMs = Math.min(retryAfterSeconds, limits.retryAfterSeconds) * 1000;
  const probeAt = Math.max(health.probeAt, now + Math.max(askedToWaitMs, probeIntervalMs({ downSince: downSince ?? failure.since }, now)));
  return { health: { ...health, failures, downSince, probeAt, probedAt: now }, fault: 'host' };
}

/** undefined = nothing to note: nobody doubts that this host answers. */
export function afterAnswer(health: HostHealth, key: MirrorKey, now: number): HostHealth | undefined {
  const failures = health.failures.filter((failure) => !isSame(failure, key));
  const isNews = health.downSince !== null || evidence(health).length > 0 || failures.length < health.failures.length;
  return isNews ? { failures, answeredAt: now, downSince: null, probeAt: 0, probedAt: 0 } : undefined;
}

/** Failures since the last answer. */
function evidence({ failures, answeredAt }: Pick<HostHealth, 'failures' | 'answeredAt'>): readonly HostFailure[] {
  return failures.filter(({ own, at }) => !own && at > answeredAt);
}

function total(failures: readonly HostFailure[]): number {
  return failures.reduce((sum, { times }) => sum + times, 0);
}

/** Mirrors are to be current within five minutes after the host is back, so that even a long outage is looked at more often than that. */
function probeIntervalMs({ downSince }: Pick<HostHealth, 'downSince'>, now: number): number {
  const isLong = downSince !== null && now - downSince > limits.hostLongDownMs;
  return isLong ? limits.hostLongProbeMs : limits.hostProbeMs;
}

function isSame(one: MirrorKey, other: MirrorKey): boolean {
  return one.projectId === other.projectId && one.mirror === other.mirror;
}
