/** Puts a run into a host's waiting list, and notes what runs saw of hosts: people hear once that one is down, and once that it is back. */
import { randomUUID } from 'node:crypto';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { ErrorCode } from '../../core/error-catalogue.ts';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Log } from '../../core/log.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { NoticeOutbox } from '../../model/notice.ts';
import type { LastError } from '../../model/run.ts';
import { afterAnswer, afterNoAnswer, type HostHealth, silentSince } from '../hosts/host-health.ts';
import type { HostEnd, PlaceRefusal } from '../hosts/host-places.ts';
import { type HostView, rankOf } from '../hosts/host-room.ts';
import type { Hosts } from '../hosts/hosts.ts';
import type { HostReport } from '../hosts/watch-host.ts';
import type { Release } from '../mirror-jobs.ts';
import { askAgain, type FinishedRun, waitForHost } from './settle-run.ts';

export interface WaitAtHostDeps {
  readonly hosts: Hosts;
  readonly clock: Clock;
  readonly log: Log;
  readonly outbox?: NoticeOutbox;
}

/** How a run that was refused gives its lease back: it stands in the list from now on. */
export async function waitAtHost(mirror: Mirror, refusal: PlaceRefusal, deps: WaitAtHostDeps, run?: FinishedRun): Promise<Release> {
  const { hosts, clock } = deps;
  const { end, view, since } = refusal;
  const now = clock.now();
  const isDown = refusal.for === 'host_down';
  const requestedAt = mirror.runRequestedAt ?? now;
  const { projectId, mirror: name } = mirror;
  // It has asked in vain itself: others first.
  const notBefore = run === undefined ? 0 : view.health.probeAt;
  const before = mirror.waiting;
  if (before !== null && before.host !== end.host) await hosts.leave(before.host, before.entry);
  const entry = await hosts.join(end.host, {
    key: { projectId, mirror: name },
    credentialId: end.credentialId,
    rank: rankOf(requestedAt, mirror.direction),
    notBefore,
  });
  await hosts.lookBy(end.host, isDown ? Math.max(view.health.probeAt, now) : now + limits.hostProbeMs);
  const safetyMs = (isDown ? limits.waitForHostMs : limits.waitForRoomMs) * (1 + clock.random() / 2);
  const waiting = { for: refusal.for, host: end.host, entry, since, until: Math.round(Math.max(now, notBefore) + safetyMs) };
  if (isDown) return waitForHost(mirror, run, { error: errorOf(view, run), since, probeAt: view.health.probeAt, waiting }, now);
  const plain = askAgain(mirror, now, now);
  return { ...plain, again: { ...plain.again, waiting } };
}

/** The run's own words, or those that the host's last failure stands for. */
function errorOf({ health }: HostView, run: FinishedRun | undefined) {
  if (run !== undefined && run.error !== null) return run.error;
  const { code, message, hint } = new GitferryError(health.failures.at(-1)?.code ?? 'connection_failed', {
    detail: 'Its mirrors wait until it answers.',
  });
  return { code, message, hint };
}

/** Others write at the same time. */
const noteAttempts = 8;

export interface Noted {
  /** Set where the run failed for a host's fault: it waits there. */
  readonly refusal: PlaceRefusal | undefined;
  /** Hosts where nobody waits. */
  readonly unawaited: ReadonlySet<string>;
}

/** Notes what a run saw of its hosts. `failed` = the code it failed with. */
export async function noteReports(
  mirror: Mirror,
  {
    reports,
    ends,
    failed,
  }: { readonly reports: readonly HostReport[]; readonly ends: readonly HostEnd[]; readonly failed: string | undefined },
  deps: WaitAtHostDeps,
): Promise<Noted> {
  const unawaited = new Set<string>();
  let refusal: PlaceRefusal | undefined;
  for (const { host, failure } of reports) {
    const end = ends.find((each) => each.host === host);
    if (end === undefined) continue;
    const change = (health: HostHealth): { readonly health: HostHealth | undefined; readonly fault?: 'host' | 'own' } => {
      const now = deps.clock.now();
      if (failure === undefined) return { health: afterAnswer(health, mirror, now) };
      const { code, retryAfterSeconds } = failure;
      return afterNoAnswer(health, { key: mirror, code, retryAfterSeconds, now });
    };
    const noted = await note(host, change, deps);
    if (!noted.view.isAwaited) unawaited.add(host);
    if (failure === undefined || failure.code !== failed || noted.fault !== 'host') continue;
    const since = silentSince(noted.view.health, mirror.projectId) ?? deps.clock.now();
    refusal ??= { for: 'host_down', end, view: noted.view, since };
  }
  return { refusal, unawaited };
}

async function note(
  host: string,
  change: (health: HostHealth) => { readonly health: HostHealth | undefined; readonly fault?: 'host' | 'own' },
  { hosts, log, clock, outbox }: WaitAtHostDeps,
): Promise<{ readonly view: HostView; readonly fault: 'host' | 'own' | undefined }> {
  for (let attempt = 1; ; attempt++) {
    const view = await hosts.view(host);
    const { health, fault } = change(view.health);
    if (health === undefined) return { view, fault };
    const newsId = outbox === undefined ? undefined : await leaveNews(view, health, clock.now(), outbox);
    const isNoted = await hosts.note(view, health, newsId);
    if (isNoted) tell(view, health, log);
    if (isNoted && newsId !== undefined) await outbox?.wake([newsId]);
    if (isNoted || attempt === noteAttempts) return { view: { ...view, health }, fault };
    await pause(backoffMs(attempt, { shortestMs: 5, longestMs: 200 }, clock));
  }
}

function tell({ host, health: before }: HostView, { downSince, failures }: HostHealth, log: Log): void {
  if (before.downSince === null && downSince !== null)
    log.write('warn', 'host_down', { host, since: new Date(downSince).toISOString(), code: failures.at(-1)?.code });
  if (before.downSince !== null && downSince === null)
    log.write('info', 'host_up', { host, since: new Date(before.downSince).toISOString() });
}

/** Before the change is noted: told if it comes to that. Resolves with the notice's id, unlike that of any other attempt. */
async function leaveNews(
  { host, health: before, version }: HostView,
  after: HostHealth,
  now: number,
  outbox: NoticeOutbox,
): Promise<string | undefined> {
  const isDown = before.downSince === null && after.downSince !== null;
  const since = isDown ? after.downSince : before.downSince;
  const type = isDown ? 'host.down' : 'host.up';
  if (since === null || (before.downSince === null) === (after.downSince === null) || !(await outbox.isHeard(type))) return undefined;
  const id = `${type}-${randomUUID()}`;
  const code = after.failures.at(-1)?.code;
  const error = isDown && code !== undefined ? { error: errorFor(code) } : {};
  await outbox.put({ id, type, at: now, since, host, ...error, ifNoted: { hostVersion: version + 1 } });
  return id;
}

function errorFor(code: ErrorCode): LastError {
  const { message, hint } = new GitferryError(code);
  return { code, message, hint };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
