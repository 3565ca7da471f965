/** The outbox as those see it who make changes: notices in the table, and a message on a queue of their own that has them told. */
import type { Clock } from '../core/clock.ts';
import { serviceLimits } from '../core/service-limits.ts';
import type { NoticeKey, NoticeOutbox } from '../model/notice.ts';
import type { NoticeRecords } from '../model/notice-records.ts';
import type { SettingsRecords } from '../model/records.ts';

/** Messages only wake: what is lost, the tick sends again. */
export interface NoticeQueue {
  /** Never throws. */
  send(keys: readonly NoticeKey[]): Promise<void>;
}

export interface OutboxDeps {
  readonly notices: NoticeRecords;
  readonly settings: Pick<SettingsRecords, 'heardNotices'>;
  readonly queue: NoticeQueue;
  readonly clock: Clock;
}

export function createOutbox({ notices, settings, queue, clock }: OutboxDeps): NoticeOutbox {
  return {
    isHeard: async (type) => (await settings.heardNotices()).has(type),

    put: (notice) => notices.put(notice, clock.now() + serviceLimits.graceMs),

    async wake(ids) {
      if (ids.length > 0) await queue.send(ids.map((notice) => ({ notice })));
    },

    noteRefused: (credential) => notices.noteRefused(credential, clock.now()),
    refusedSince: (credential) => notices.refusedSince(credential),
    noteAccepted: (credential) => notices.noteAccepted(credential),

    async again(key, read) {
      if (!(await notices.looked(key, read, clock.now() + serviceLimits.graceMs))) return false;
      await queue.send([key]);
      return true;
    },
  };
}
