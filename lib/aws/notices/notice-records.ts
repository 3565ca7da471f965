/** Notices in the table: written before the change that they tell of, in the index of what is due until every channel has its delivery. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { Notice } from '../../model/notice.ts';
import type { NoticeRecords } from '../../model/notice-records.ts';
import { exists, isNew, type RecordTable } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';
import { dueAttributes, itemKeyOf } from './outbox-due.ts';

export function createNoticeRecords(table: RecordTable, clock: Clock): NoticeRecords {
  const expiry = (): number => Math.ceil(clock.now() / 1000) + serviceLimits.noticeSeconds;
  return {
    async put(notice, dueAt) {
      const item = { ...keys.notice(notice.id), ...dueAttributes({ notice: notice.id }, dueAt), notice, expires_at: expiry() };
      await table.put(item, isNew);
    },

    async pending(id) {
      const item = await table.get(keys.notice(id));
      return item?.['due_at'] === undefined ? undefined : (item['notice'] as Notice);
    },

    async getMany(ids) {
      return (await table.getMany(ids.map(keys.notice))).map((item) => item['notice'] as Notice);
    },

    async settle(id) {
      await table.update(keys.notice(id), updateExpression({ due_at: null, due_shard: null }), exists);
    },

    async drop(id) {
      await table.remove(keys.notice(id));
    },

    async noteRefused(credential, now) {
      const item = { ...keys.refusal(credential), since: now, expires_at: expiry() };
      if (await table.put(item, isNew)) return now;
      return Number((await table.get(keys.refusal(credential)))?.['since'] ?? now);
    },

    async refusedSince(credential) {
      const item = await table.get(keys.refusal(credential));
      return item === undefined ? undefined : Number(item['since']);
    },

    async noteAccepted(credential) {
      await table.remove(keys.refusal(credential));
    },

    async looked(key, read, at) {
      const parts = updateExpression({ due_at: at }, { values: { ':read': read } });
      return (await table.update(itemKeyOf(key), parts, 'due_at = :read')) !== undefined;
    },
  };
}
