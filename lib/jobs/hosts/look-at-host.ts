/** The tick's part at a host where runs wait: asks one that gives no answer, gives places of runs that died to others, and forgets hosts where nobody waits. */
import { limits } from '../../core/limits.ts';
import { wakeUpFor } from '../requests/wake-up.ts';
import { callRun, type HandOutDeps, handOutPlaces } from './hand-out.ts';
import { isUnwell, mayProbe } from './host-health.ts';
import type { DueHost } from './hosts.ts';

/** false = the host has changed since it was read; the next tick sees. Throws `storage_unavailable`. */
export async function lookAtHost(due: DueHost, limit: number, deps: HandOutDeps): Promise<boolean> {
  const { hosts, clock } = deps;
  const isRead = (at: number | null): Promise<boolean> => hosts.looked(due, at);
  if ((await hosts.waiting(due.host, 1)).length === 0) {
    if (!(await isRead(null))) return false;
    // Whoever began to wait in between may have taken the host for one that is looked at.
    if ((await hosts.waiting(due.host, 1)).length > 0) await hosts.lookBy(due.host, clock.now());
    return true;
  }
  if (!(await isRead(clock.now() + limits.hostProbeMs / 2))) return false;
  const { health } = await hosts.view(due.host);
  if (isUnwell(health) && mayProbe(health, clock.now(), false)) await callOne(due.host, deps);
  await handOutPlaces(due.host, { limit, most: limit, lookForDead: true }, deps);
  return true;
}

/** The one to ask the host: of those that have not just done so, the first. */
async function callOne(host: string, deps: HandOutDeps): Promise<void> {
  const now = deps.clock.now();
  const waiting = await deps.hosts.waiting(host, limits.waitingLooked);
  const ready = waiting.filter(({ notBefore }) => notBefore <= now);
  for (const run of ready.length === 0 ? waiting : ready) {
    if (!(await callRun(host, run, deps))) continue;
    await deps.queue.send(wakeUpFor(run.key, now, now));
    return;
  }
}
