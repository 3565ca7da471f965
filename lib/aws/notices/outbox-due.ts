/** How notices and deliveries stand in the index of what is due, which the tick reads anyway. */
import { createHash } from 'node:crypto';
import { dueShards } from '../../jobs/mirror-jobs.ts';
import type { NoticeKey } from '../../model/notice.ts';
import type { Item } from '../table/item.ts';
import { type ItemKey, keys } from '../table/table.ts';

export function dueAttributes(key: NoticeKey, dueAt: number): Item {
  const name = 'notice' in key ? key.notice : `${key.channel}/${key.delivery}`;
  return { due_shard: `DUE#${createHash('sha256').update(name).digest().readUInt32BE(0) % dueShards}`, due_at: dueAt };
}

export function itemKeyOf(key: NoticeKey): ItemKey {
  return 'notice' in key ? keys.notice(key.notice) : keys.delivery(key.channel, key.delivery);
}

/** From the item's key, as the index has it; undefined = it is neither a notice nor a delivery. */
export function noticeKeyOf({ pk, sk }: Item): NoticeKey | undefined {
  const [partition, sort] = [String(pk), String(sk)];
  if (partition.startsWith('NOTICE#')) return { notice: partition.slice('NOTICE#'.length) };
  if (!partition.startsWith('CHANNEL#')) return undefined;
  return { channel: Number(partition.slice('CHANNEL#'.length)), delivery: sort.slice('DELIVERY#'.length) };
}
