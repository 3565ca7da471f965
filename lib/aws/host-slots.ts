/** Host slots on DynamoDB: one item a slot, put if absent, taken over from a holder that no longer has the lease it was taken under. */
import type { HostSlots, SlotHolder } from '../jobs/host-slots.ts';
import type { MirrorKey } from '../model/mirror.ts';
import type { Item } from './mirror-item.ts';
import type { MirrorJobsDeps } from './mirror-jobs.ts';
import { createRecordTable, isNew } from './record-table.ts';
import { keys } from './table.ts';

interface TakenSlot {
  readonly slot: number;
  readonly leaseToken: string;
  readonly key: MirrorKey;
}

/** Every method throws `storage_unavailable` when the table cannot be reached. */
export function createHostSlots(deps: MirrorJobsDeps): HostSlots {
  const table = createRecordTable(deps);

  const put = (host: string, slot: number, { key, leaseToken }: SlotHolder, previous?: string): Promise<boolean> => {
    const item = { ...keys.slot(host, slot), lease_token: leaseToken, project_id: key.projectId, mirror: key.mirror };
    // Free, or still in the hands of the holder that was found to be dead.
    return table.put(item, previous === undefined ? isNew : { expression: 'lease_token = :previous', values: { ':previous': previous } });
  };

  async function taken(host: string, limit: number): Promise<readonly TakenSlot[]> {
    const condition = { expression: 'pk = :pk', values: { ':pk': keys.slot(host, 0).pk } };
    const items = await table.all({ condition, consistent: true });
    return items.map(takenSlotOfItem).filter(({ slot }) => slot < limit);
  }

  async function abandoned(slots: readonly TakenSlot[]): Promise<readonly TakenSlot[]> {
    const wanted = new Map(slots.map(({ key }) => [keys.mirror(key).pk + keys.mirror(key).sk, keys.mirror(key)]));
    const mirrors = await table.getMany([...wanted.values()]);
    const held = new Set(mirrors.map((item) => item['lease_token']));
    return slots.filter(({ leaseToken }) => !held.has(leaseToken));
  }

  return {
    async take(host, holder, limit) {
      // Mostly there is room, and one write does it.
      const first = Math.floor(Math.random() * limit);
      if (await put(host, first, holder)) return first;
      const slots = await taken(host, limit);
      // A repeat of the SDK's after a lost answer.
      const own = slots.find(({ leaseToken }) => leaseToken === holder.leaseToken);
      if (own !== undefined) return own.slot;
      const numbers = new Set(slots.map(({ slot }) => slot));
      const free = Array.from({ length: limit }, (_, slot) => slot).filter((slot) => !numbers.has(slot));
      for (const slot of shuffled(free)) if (await put(host, slot, holder)) return slot;
      for (const { slot, leaseToken } of shuffled(await abandoned(slots))) if (await put(host, slot, holder, leaseToken)) return slot;
      return undefined;
    },

    async free(host, slot, leaseToken) {
      await table.remove(keys.slot(host, slot), { expression: 'lease_token = :mine', values: { ':mine': leaseToken } });
    },
  };
}

function takenSlotOfItem(item: Item): TakenSlot {
  const key: MirrorKey = { projectId: Number(item['project_id']), mirror: item['mirror'] === 'pull' ? 'pull' : Number(item['mirror']) };
  return { slot: Number(String(item['sk']).slice('SLOT#'.length)), leaseToken: String(item['lease_token']), key };
}

/** So that those who ask at once do not all try the same slot first. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
