/** Channels in the table: their settings, and what came of their last delivery. */
import type { Channel } from '../../model/channel.ts';
import type { ChannelRecords } from '../../model/notice-records.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { exists, isNew, type RecordTable } from '../table/record-table.ts';
import { indexes, keys, listAttributes, listBucketSize } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

const attributes = {
  id: 'id',
  kind: 'kind',
  projectId: 'project_id',
  createdAt: 'created_at',
  name: 'title',
  enabled: 'enabled',
  events: 'events',
  leastSeverity: 'least_severity',
  showAddresses: 'show_addresses',
  digestMinutes: 'digest_minutes',
  quietHours: 'quiet_hours',
  target: 'target',
  secretName: 'secret_name',
  lastAt: 'last_at',
  lastOk: 'last_ok',
  lastAnswer: 'last_answer',
  failingSince: 'failing_since',
} as const satisfies Readonly<Record<keyof Channel, string>>;

export function createChannelRecords(table: RecordTable): ChannelRecords {
  return {
    async create(settings, now) {
      const id = await table.nextId('channel');
      const channel = { ...settings, id, createdAt: now, lastAt: null, lastOk: null, lastAnswer: null, failingSince: null };
      await table.put(withoutNulls({ ...keys.channel(id), ...listAttributes('CHANNELS', id), ...attributesOf(channel) }), isNew);
      return channel;
    },

    async get(id) {
      const item = await table.get(keys.channel(id));
      return item === undefined ? undefined : channelOfItem(item);
    },

    async all() {
      const buckets = Math.floor((await table.lastId('channel')) / listBucketSize) + 1;
      const found: Item[] = [];
      for (let bucket = 0; bucket < buckets; bucket++) {
        const condition = { expression: 'list_bucket = :bucket', values: { ':bucket': `CHANNELS#${bucket}` } };
        found.push(...(await table.all({ index: indexes.list, condition })));
      }
      return found.map(channelOfItem);
    },

    async update(id, changes) {
      const parts = updateExpression(attributesOf(changes));
      const item = parts.UpdateExpression === '' ? await table.get(keys.channel(id)) : await table.update(keys.channel(id), parts, exists);
      return item === undefined ? undefined : channelOfItem(item);
    },

    async noteHealth(id, health) {
      await table.update(keys.channel(id), updateExpression(attributesOf(health)), exists);
    },

    async delete(id) {
      const gone = await table.remove(keys.channel(id));
      const { pk } = keys.channel(id);
      const condition = { expression: 'pk = :pk', values: { ':pk': pk } };
      const rest = await table.all({ condition, only: ['pk', 'sk'], consistent: true });
      await table.removeMany(rest.map(({ sk }) => ({ pk, sk: String(sk) })));
      return gone === undefined ? undefined : channelOfItem(gone);
    },
  };
}

function attributesOf(changes: Partial<Channel>): Item {
  return Object.fromEntries(Object.entries(changes).map(([field, value]) => [attributes[field as keyof Channel], value]));
}

function channelOfItem(item: Item): Channel {
  return Object.fromEntries(Object.entries(attributes).map(([field, attribute]) => [field, item[attribute] ?? null])) as unknown as Channel;
}
