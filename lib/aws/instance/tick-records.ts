/** What the ticks leave for each other: one item for each part of a tick. */
import type { MissedEvents, TickRecords } from '../../model/records.ts';
import type { RecordTable } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

/** Comes into being with the first tick. */
const anyhow = 'attribute_exists(pk) OR attribute_not_exists(pk)';

export function createTickRecords(table: RecordTable): TickRecords {
  return {
    async note(part, { now, gapMs, missed }) {
      const inTime = updateExpression({ last_at: now }, { values: { ':least': now - gapMs } });
      const item = await table.update(keys.tick(part), inTime, 'attribute_not_exists(last_at) OR last_at > :least');
      if (item !== undefined) return { missed: (item['missed'] as MissedEvents | undefined) ?? null, awaySince: null };
      const before = await table.get(keys.tick(part));
      await table.update(keys.tick(part), updateExpression({ last_at: now, missed }), anyhow);
      return { missed, awaySince: Number(before?.['last_at'] ?? now) };
    },

    async setMissed(part, missed) {
      await table.update(keys.tick(part), updateExpression({ missed }), anyhow);
    },

    async leaveMissed(part, read, left) {
      const parts = updateExpression({ missed: left }, { names: { '#next': 'next' }, values: { ':read': read.next } });
      await table.update(keys.tick(part), parts, 'missed.#next = :read');
    },
  };
}
