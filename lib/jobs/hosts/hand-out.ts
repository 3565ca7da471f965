/** Gives a host's free places to runs that wait for them: each is kept for one run, which is called. */
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { MirrorKey } from '../../model/mirror.ts';
import type { MirrorJobs } from '../mirror-jobs.ts';
import type { JobQueue } from '../requests/job-queue.ts';
import { wakeUpFor } from '../requests/wake-up.ts';
import { isDownFor } from './host-health.ts';
import { type HostView, inTurn, isFull, openPlaces, type WaitingRun } from './host-room.ts';
import type { Hosts } from './hosts.ts';

export interface HandOutDeps {
  readonly hosts: Hosts;
  readonly jobs: Pick<MirrorJobs, 'call' | 'get'>;
  readonly queue: JobQueue;
  readonly clock: Clock;
}

export interface HandingOut {
  readonly limit: number;
  /** Places to give at most: a host that comes back from an outage fills step by step. */
  readonly most?: number;
  /** Places of runs that died are free as well; looking costs a read for each place. */
  readonly lookForDead?: boolean;
}

/** Calls those whose turn it is, as far as there are places. Resolves with how many. Throws `storage_unavailable`. */
export async function handOutPlaces(host: string, options: HandingOut, deps: HandOutDeps): Promise<number> {
  const { limit, most = limits.placesHandedOut, lookForDead = false } = options;
  const { hosts, queue, clock } = deps;
  let read = await hosts.view(host);
  // A thousand runs that begin to wait at once need not read the list each.
  if (!read.isAwaited || (!lookForDead && isFull(read, limit, clock.now()))) return 0;
  let waiting = await hosts.waiting(host, limits.waitingLooked);
  const called: MirrorKey[] = [];
  while (waiting.length > 0 && called.length < most) {
    const view = lookForDead ? await hosts.living(read) : read;
    const now = clock.now();
    // Those that get no answer are called by the tick, one from time to time.
    const [run] = inTurn(
      view,
      waiting.filter(({ key }) => !isDownFor(view.health, key.projectId)),
      limit,
      now,
    );
    if (run === undefined || !(await keepPlace(view, run, { limit, now }, hosts))) break;
    waiting = waiting.filter((other) => other !== run);
    if (await callRun(host, run, deps)) called.push(run.key);
    read = await hosts.view(host);
  }
  await queue.send(called.flatMap((key) => wakeUpFor(key, clock.now(), clock.now())));
  return called.length;
}

/** Lets a run start, if it still waits. false = it does not; an entry that nobody waits under is taken away. Sends no message. */
export async function callRun(host: string, { key, entry }: WaitingRun, { hosts, jobs, clock }: HandOutDeps): Promise<boolean> {
  if (await jobs.call(key, { entry, now: clock.now() })) {
    await hosts.leave(host, entry);
    return true;
  }
  const mirror = await jobs.get(key);
  // Whoever holds the lease is about to wait, or has come by itself: the entry is theirs.
  if (mirror === undefined || (mirror.leaseToken === null && mirror.waiting?.entry !== entry)) await hosts.leave(host, entry);
  return false;
}

async function keepPlace(
  view: HostView,
  { key, credentialId }: WaitingRun,
  { limit, now }: { readonly limit: number; readonly now: number },
  hosts: Hosts,
): Promise<boolean> {
  for (const slot of openPlaces(view, { key, credentialId }, limit, now)) {
    if (await hosts.keep(view.host, slot, { key, credentialId, until: now + limits.placeKeptMs })) return true;
  }
  return false;
}
