/** Host slots on DynamoDB: one item a slot, put if absent, taken over from a holder that no longer has the lease it was taken under, kept for who is next. */
import type { HostSlots, SlotHolder } from '../jobs/host-slots.ts';
import { openPlaces, type Place, placeToWaitFor, type Turn, turnMs } from '../jobs/host-turns.ts';
import type { MirrorKey } from '../model/mirror.ts';
import type { Item } from './mirror-item.ts';
import type { MirrorJobsDeps } from './mirror-jobs.ts';
import { type Condition, createRecordTable, exists, isNew } from './record-table.ts';
import { keys } from './table.ts';
import { updateExpression } from './update-expression.ts';

/** What a slot's item says. It has no lease while it is kept for the next. */
interface Slot extends Omit<Place, 'holder'> {
  readonly leaseToken: string | undefined;
  readonly key: MirrorKey | undefined;
}

/** Every method throws `storage_unavailable` when the table cannot be reached. */
export function createHostSlots(deps: MirrorJobsDeps): HostSlots {
  const table = createRecordTable(deps);

  const put = (host: string, slot: number, { key, leaseToken }: SlotHolder, previous?: Slot): Promise<boolean> => {
    const item = { ...keys.slot(host, slot), lease_token: leaseToken, project_id: key.projectId, mirror: key.mirror };
    return table.put(item, previous === undefined ? isNew : isStill(previous));
  };

  async function read(host: string, limit: number): Promise<readonly Slot[]> {
    const condition = { expression: 'pk = :pk', values: { ':pk': keys.slot(host, 0).pk } };
    const items = await table.all({ condition, consistent: true });
    return items.map(slotOfItem).filter(({ slot }) => slot < limit);
  }

  /** A holder whose lease is gone is none. */
  async function withLiveHolders(slots: readonly Slot[]): Promise<readonly (Slot & Place)[]> {
    const wanted = new Map(slots.flatMap(({ key }) => (key === undefined ? [] : [[nameOf(key), keys.mirror(key)] as const])));
    const mirrors = await table.getMany([...wanted.values()]);
    const held = new Set(mirrors.map((item) => item['lease_token']));
    return slots.map((slot) => ({ ...slot, holder: slot.leaseToken !== undefined && held.has(slot.leaseToken) ? slot.key : undefined }));
  }

  async function promise(host: string, place: Slot, turn: Turn): Promise<boolean> {
    const { expression, values } = isStill(place);
    const parts = updateExpression({ next: textOfTurn(turn) }, { names: { '#next': 'next' }, values });
    return (await table.update(keys.slot(host, place.slot), parts, `${exists} AND ${expression}`)) !== undefined;
  }

  return {
    async take(host, holder, limit) {
      // Mostly there is room, and one write does it.
      const first = Math.floor(Math.random() * limit);
      if (await put(host, first, holder)) return first;
      const slots = await read(host, limit);
      // A repeat of the SDK's after a lost answer.
      const own = slots.find(({ leaseToken }) => leaseToken === holder.leaseToken);
      if (own !== undefined) return own.slot;
      const numbers = new Set(slots.map(({ slot }) => slot));
      const free = Array.from({ length: limit }, (_, slot) => slot).filter((slot) => !numbers.has(slot));
      for (const slot of shuffled(free)) if (await put(host, slot, holder)) return slot;
      const places = shuffled(await withLiveHolders(slots));
      const turn: Turn = { key: holder.key, since: holder.since, until: holder.now + turnMs };
      for (const place of openPlaces(places, turn, holder.now)) {
        if (
          await put(
            host,
            place.slot,
            holder,
            slots.find(({ slot }) => slot === place.slot),
          )
        )
          return place.slot;
      }
      const place = placeToWaitFor(places, turn, limit, holder.now);
      const slot = slots.find((each) => each.slot === place?.slot);
      return slot !== undefined && (await promise(host, slot, turn)) ? 'promised' : 'full';
    },

    async free(host, slot, leaseToken) {
      const mine = {
        expression: 'lease_token = :mine AND attribute_not_exists(#next)',
        names: { '#next': 'next' },
        values: { ':mine': leaseToken },
      };
      if ((await table.remove(keys.slot(host, slot), mine)) !== undefined) return;
      // Somebody is next: theirs from now on.
      const given = updateExpression({ lease_token: null, project_id: null, mirror: null }, { values: { ':mine': leaseToken } });
      await table.update(keys.slot(host, slot), given, 'lease_token = :mine');
    },
  };
}

/** The slot is as it was read: in the same hands, or nobody's, and the same one is next. */
function isStill({ leaseToken, next }: Slot): Condition & { readonly values: Readonly<Record<string, unknown>> } {
  return {
    expression: [
      leaseToken === undefined ? 'attribute_not_exists(lease_token)' : 'lease_token = :previous',
      next === undefined ? 'attribute_not_exists(#next)' : '#next = :next',
    ].join(' AND '),
    names: { '#next': 'next' },
    values: {
      ...(leaseToken === undefined ? {} : { ':previous': leaseToken }),
      ...(next === undefined ? {} : { ':next': textOfTurn(next) }),
    },
  };
}

function slotOfItem(item: Item): Slot {
  const leaseToken = item['lease_token'] as string | undefined;
  return {
    slot: Number(String(item['sk']).slice('SLOT#'.length)),
    leaseToken,
    key: leaseToken === undefined ? undefined : keyOfItem(item),
    next: item['next'] === undefined ? undefined : turnOfText(String(item['next'])),
  };
}

/** One string, so that a condition can ask for all of it: `7 3 1700000000000 1700000012000`. */
function textOfTurn({ key, since, until }: Turn): string {
  return [key.projectId, key.mirror, since, until].join(' ');
}

function turnOfText(text: string): Turn {
  const [projectId = '', mirror = '', since, until] = text.split(' ');
  return { key: keyOfItem({ project_id: projectId, mirror }), since: Number(since), until: Number(until) };
}

function keyOfItem(item: Item): MirrorKey {
  return { projectId: Number(item['project_id']), mirror: item['mirror'] === 'pull' ? 'pull' : Number(item['mirror']) };
}

function nameOf({ projectId, mirror }: MirrorKey): string {
  return `${projectId}/${mirror}`;
}

/** So that those who ask at once do not all try the same slot first. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
