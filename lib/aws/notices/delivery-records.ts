/** Deliveries in the table, in their channel's partition: what waits, is being sent, and was answered. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { DeliveryState, NoticeDelivery } from '../../model/channel.ts';
import type { DeliveryRecords } from '../../model/notice-records.ts';
import type { Item } from '../table/item.ts';
import { rowsForPage, slicePage, totalOf } from '../table/list-page.ts';
import { isNew, type RecordTable } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';
import { dueAttributes } from './outbox-due.ts';

export function createDeliveryRecords(table: RecordTable, clock: Clock): DeliveryRecords {
  const get = async (channelId: number, id: string): Promise<Item | undefined> => table.get(keys.delivery(channelId, id));

  return {
    async add({ channelId, id, createdAt, dueAt }, notice) {
      const key = keys.delivery(channelId, id);
      const item = {
        ...key,
        ...dueAttributes({ channel: channelId, delivery: id }, dueAt),
        notices: new Set([notice]),
        state: 'waiting' satisfies DeliveryState,
        not_before: dueAt,
        created_at: createdAt,
        attempts: 0,
        expires_at: Math.ceil(clock.now() / 1000) + serviceLimits.noticeSeconds,
      };
      if (await table.put(item, isNew)) return 'added';
      const parts = updateExpression({}, { add: ['notices :notice'], values: { ':notice': new Set([notice]) } });
      // It is there, and nobody has begun to send it.
      if ((await table.update(key, parts, 'attribute_exists(pk) AND attribute_not_exists(sealed)')) !== undefined) return 'added';
      const read = await table.get(key);
      return read !== undefined && noticesOf(read).includes(notice) ? 'added' : 'sealed';
    },

    async get(channelId, id) {
      const item = await get(channelId, id);
      return item === undefined ? undefined : deliveryOfItem(item);
    },

    async claim(channelId, id, { now, until, claim }) {
      const parts = updateExpression(
        { due_at: until, not_before: until, sealed: true, claim },
        { add: ['attempts :one'], values: { ':one': 1, ':now': now, ':waiting': 'waiting' }, names: { '#state': 'state' } },
      );
      // It waits, its time has come, and no other attempt is under way: that one would have moved its time. `due_at` is the tick's, which moves it to look again.
      const item = await table.update(keys.delivery(channelId, id), parts, '#state = :waiting AND not_before <= :now');
      if (item !== undefined) return deliveryOfItem(item);
      // Where an answer was lost, the SDK's second try finds it claimed, by the first.
      const held = await get(channelId, id);
      return held?.['claim'] === claim ? deliveryOfItem(held) : undefined;
    },

    async settle({ channelId, id }, claim, { state, dueAt, lastAt, lastAnswer }) {
      const due = dueAt === null ? { due_at: null, due_shard: null } : { due_at: dueAt, not_before: dueAt };
      const changes = { ...due, state, last_at: lastAt, last_answer: lastAnswer, claim: null };
      const parts = updateExpression(changes, { values: { ':mine': claim } });
      return (await table.update(keys.delivery(channelId, id), parts, 'claim = :mine')) !== undefined;
    },

    async list(channelId, page) {
      const { pk, sk } = keys.delivery(channelId, '');
      const condition = { expression: 'pk = :pk AND begins_with(sk, :delivery)', values: { ':pk': pk, ':delivery': sk } };
      const { rows, ...counted } = await rowsForPage(table.pages({ condition, newestFirst: true }), page, (item) => ({
        value: deliveryOfItem(item),
        count: 1,
      }));
      return { ...slicePage(rows, page), total: totalOf(counted), hasNext: counted.count > page.page * page.perPage };
    },
  };
}

function noticesOf(item: Item): readonly string[] {
  return item['notices'] instanceof Set ? [...(item['notices'] as Set<string>)] : [];
}

function deliveryOfItem(item: Item): NoticeDelivery {
  return {
    channelId: Number(String(item['pk']).slice('CHANNEL#'.length)),
    id: String(item['sk']).slice('DELIVERY#'.length),
    notices: noticesOf(item),
    state: item['state'] as DeliveryState,
    createdAt: Number(item['created_at']),
    dueAt: typeof item['due_at'] === 'number' ? item['due_at'] : null,
    attempts: Number(item['attempts']),
    lastAt: typeof item['last_at'] === 'number' ? item['last_at'] : null,
    lastAnswer: typeof item['last_answer'] === 'string' ? item['last_answer'] : null,
  };
}
