/** Notes on a hook that a delivery came, at most once a minute: what tells a broken webhook from a quiet repository. */
import type { Clock } from '../core/clock.ts';
import { toGitferryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Hook } from '../model/hook.ts';
import type { HookRecords } from '../model/records.ts';
import { webhookLimits } from './webhook-limits.ts';

/** Resolves when it is noted or need not be; a failure is logged and does not reach the delivery. */
export type NoteDelivery = (hook: Hook, of: 'project' | 'upstream' | null) => Promise<void>;

export function createDeliveryNotes({
  hooks,
  clock,
  log,
}: {
  readonly hooks: Pick<HookRecords, 'noteDelivery'>;
  readonly clock: Clock;
  readonly log: Log;
}): NoteDelivery {
  const noted = new Map<string, number>();
  return async (hook, of) => {
    const now = clock.now();
    // Clocks jump: what lies in the future was not a minute ago.
    const last = Math.max(0, ...[hook.lastDeliveryAt ?? 0, noted.get(hook.tokenHash) ?? 0].filter((at) => at <= now));
    const isRecent = now - last < webhookLimits.noteEveryMs;
    // A hook that was found silent speaks again: that is worth a note at once.
    if (isRecent && (hook.silentSince === null || hook.silentSince <= last)) return;
    noted.delete(hook.tokenHash);
    noted.set(hook.tokenHash, now);
    const [oldest] = noted.keys();
    if (noted.size > webhookLimits.notedHooks && oldest !== undefined) noted.delete(oldest);
    try {
      await hooks.noteDelivery(hook, { now, of });
    } catch (thrown) {
      noted.delete(hook.tokenHash);
      const { code } = toGitferryError(thrown);
      log.write('warn', 'delivery_not_noted', { project: hook.projectId, hook: hook.id, code });
    }
  };
}
