/** Hosts on DynamoDB: places and health in one partition a host, its waiting list in a few others, so that thousands can join at once. */
import { createHash, randomUUID } from 'node:crypto';
import { type HostHealth, healthy } from '../jobs/hosts/host-health.ts';
import type { Guest, HeldPlace, Slot, WaitingRun } from '../jobs/hosts/host-room.ts';
import { type Hosts, nameOfMirror } from '../jobs/hosts/hosts.ts';
import { dueShards } from '../jobs/mirror-jobs.ts';
import type { MirrorKey } from '../model/mirror.ts';
import { withNews } from '../model/notice.ts';
import type { MirrorJobsDeps } from './mirrors/mirror-jobs.ts';
import type { Item } from './table/item.ts';
import { withoutNulls } from './table/item.ts';
import { type Condition, createRecordTable, isNew } from './table/record-table.ts';
import { keys, waitingShards } from './table/table.ts';
import { updateExpression } from './table/update-expression.ts';

/** Every method throws `storage_unavailable` when the table cannot be reached. */
export function createHosts(deps: MirrorJobsDeps): Hosts {
  const table = createRecordTable(deps);
  const ofState = (host: string): Item => ({ due_shard: `DUE#${shardOf(host, dueShards)}` });

  return {
    async view(host) {
      const condition = { expression: 'pk = :pk', values: { ':pk': keys.hostState(host).pk } };
      const items = await table.all({ condition, consistent: true });
      const state = items.find(({ sk }) => sk === keys.hostState(host).sk);
      const places = items.filter((item) => item !== state).map(placeOfItem);
      return {
        host,
        places,
        health: (state?.['health'] as HostHealth | undefined) ?? healthy,
        version: Number(state?.['version'] ?? 0),
        newsIds: (state?.['news_ids'] as readonly string[] | undefined) ?? [],
        isAwaited: state?.['due_at'] !== undefined,
      };
    },

    async living(view) {
      const held = view.places.flatMap(({ holder }) => (holder === undefined ? [] : [keys.mirror(holder.key)]));
      const leases = new Set((await table.getMany(held)).map((item) => item['lease_token']));
      const isAlive = ({ holder }: HeldPlace): boolean => holder === undefined || leases.has(holder.leaseToken);
      return {
        ...view,
        places: view.places.map((place) => (isAlive(place) ? place : { ...place, holder: undefined, keptFor: undefined })),
      };
    },

    async take(host, slot, { leaseToken, now, ...guest }) {
      const item = { ...keys.slot(host, slot.slot), ...attributesOf(guest), lease_token: leaseToken, taken_at: now };
      if (await table.put(withoutNulls(item), asRead(slot))) return true;
      // A repeat of the SDK's after a lost answer finds its own.
      return (await table.get(keys.slot(host, slot.slot)))?.['lease_token'] === leaseToken;
    },

    async free(host, slot, leaseToken) {
      await table.remove(keys.slot(host, slot), { expression: 'lease_token = :mine', values: { ':mine': leaseToken } });
    },

    async keep(host, slot, { until, ...guest }, leaseToken) {
      const item = withoutNulls({ ...keys.slot(host, slot.slot), ...attributesOf(guest), kept_until: until });
      const mine: Condition = { expression: 'lease_token = :mine', values: { ':mine': leaseToken } };
      return table.put(item, leaseToken === undefined ? asRead(slot) : mine);
    },

    async note({ host, version, newsIds }, health, newsId) {
      const condition = version === 0 ? 'attribute_not_exists(version)' : 'version = :read';
      const writer = randomUUID();
      const parts = updateExpression(
        {
          ...ofState(host),
          health,
          version: version + 1,
          written_by: writer,
          ...(newsId === undefined ? {} : { news_ids: withNews([newsId], newsIds) }),
        },
        version === 0 ? {} : { values: { ':read': version } },
      );
      if ((await table.update(keys.hostState(host), parts, condition)) !== undefined) return true;
      // As above. Of two that write the same at the same time one is told so.
      return (await table.get(keys.hostState(host)))?.['written_by'] === writer;
    },

    async join(host, { key, credentialId, rank, notBefore }) {
      const entry = `${String(rank).padStart(15, '0')}#${nameOfMirror(key)}`;
      const item = { ...entryKey(host, entry), credential_id_at_host: credentialId, not_before: notBefore };
      await table.put(withoutNulls(item));
      return entry;
    },

    async leave(host, entry) {
      await table.remove(entryKey(host, entry));
    },

    async waiting(host, most) {
      const partOf = (shard: number): Promise<Item[]> => {
        const condition = { expression: 'pk = :pk', values: { ':pk': keys.waiting(host, shard, '').pk } };
        return table.first({ condition, pageSize: most });
      };
      const items = (await Promise.all(Array.from({ length: waitingShards }, (_, shard) => partOf(shard)))).flat();
      return items
        .map(waitingOfItem)
        .sort((one, other) => one.rank - other.rank)
        .slice(0, most);
    },

    async lookBy(host, at) {
      const parts = updateExpression({ ...ofState(host), due_at: at }, { values: { ':by': at } });
      await table.update(keys.hostState(host), parts, 'attribute_not_exists(due_at) OR due_at > :by');
    },

    async looked({ host, dueAt }, at) {
      const parts = updateExpression({ due_at: at }, { values: { ':read': dueAt } });
      return (await table.update(keys.hostState(host), parts, 'due_at = :read')) !== undefined;
    },
  };

  function entryKey(host: string, entry: string) {
    return keys.waiting(host, shardOf(entry, waitingShards), entry);
  }
}

/** The place is as it was read: empty, in the same hands, or kept until the same time. */
function asRead(slot: Slot): Condition {
  if (!('was' in slot)) return isNew;
  const { was } = slot;
  if ('leaseToken' in was) return { expression: 'lease_token = :was', values: { ':was': was.leaseToken } };
  return { expression: 'attribute_not_exists(lease_token) AND kept_until = :was', values: { ':was': was.keptUntil } };
}

function attributesOf({ key, credentialId }: Guest): Item {
  return { project_id: key.projectId, mirror: key.mirror, credential_id_at_host: credentialId };
}

function guestOfItem(item: Item): Guest {
  const key: MirrorKey = { projectId: Number(item['project_id']), mirror: item['mirror'] === 'pull' ? 'pull' : Number(item['mirror']) };
  return { key, credentialId: typeof item['credential_id_at_host'] === 'number' ? item['credential_id_at_host'] : null };
}

function placeOfItem(item: Item): HeldPlace {
  const slot = Number(String(item['sk']).slice('SLOT#'.length));
  const leaseToken = item['lease_token'];
  if (typeof leaseToken === 'string') {
    const holder = { ...guestOfItem(item), leaseToken, takenAt: Number(item['taken_at'] ?? 0) };
    return { slot, holder, keptFor: undefined, was: { leaseToken } };
  }
  const until = Number(item['kept_until'] ?? 0);
  return { slot, holder: undefined, keptFor: { ...guestOfItem(item), until }, was: { keptUntil: until } };
}

function waitingOfItem(item: Item): WaitingRun {
  const [rank, projectId, mirror] = String(item['sk']).split('#');
  return {
    entry: String(item['sk']),
    rank: Number(rank),
    ...guestOfItem({ ...item, project_id: projectId, mirror }),
    notBefore: Number(item['not_before'] ?? 0),
  };
}

function shardOf(text: string, shards: number): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) % shards;
}
