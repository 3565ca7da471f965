/** Finds webhooks that do not announce what they should: a scheduled run found changes although a hook is there to tell. */
import type { Hook } from '../../model/hook.ts';
import type { Mirror } from '../../model/mirror.ts';

/** Deliveries are noted at most once a minute. */
const noteIntervalMs = 60_000;

/**
 * Of a project's hooks, those that should have announced what a scheduled run of this mirror found. `mirror` as it was before that run; its run before
 * must have gone well, or the changes may be old ones.
 */
export function silentHooks(mirror: Mirror, hooks: readonly Hook[]): readonly Hook[] {
  const { lastUpdateStartedAt: since, lastRun, direction } = mirror;
  if (since === null || lastRun === null || lastRun.outcome === 'failed') return [];
  const concerned = direction === 'push' ? 'project' : 'upstream';
  return hooks.filter(
    ({ lastDeliveryOf, lastDeliveryAt, createdAt, silentSince }) =>
      silentSince === null &&
      (lastDeliveryOf === null || lastDeliveryOf === concerned) &&
      createdAt < since &&
      (lastDeliveryAt === null || lastDeliveryAt + noteIntervalMs < since),
  );
}
