/** Incoming webhooks in the table: in their project's partition, under the hash of their token. */
import type { Hook } from '../../model/hook.ts';
import type { HookRecords } from '../../model/records.ts';
import type { Item } from '../table/item.ts';
import { contended, exists, isNew, type RecordTable, writeAttempts } from '../table/record-table.ts';
import { type ItemKey, keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

export function createHookRecords(table: RecordTable): HookRecords {
  const ofProject = async (projectId: number) => {
    const condition = {
      expression: 'pk = :pk AND begins_with(sk, :hook)',
      values: { ':pk': keys.project(projectId).pk, ':hook': 'HOOK#' },
    };
    const items = await table.all({ condition, consistent: true });
    return items.map(hookOfItem).sort((one, other) => one.id - other.id);
  };
  const find = async (projectId: number, hookId: number) => (await ofProject(projectId)).find(({ id }) => id === hookId);
  const keyOf = ({ projectId, tokenHash }: Hook): ItemKey => keys.hook(projectId, tokenHash);

  return {
    async create(projectId, { provider, tokenHash }, now) {
      const isThere = async () => (await table.get(keys.project(projectId))) !== undefined;
      if (!(await isThere())) return undefined;
      const key = keys.hook(projectId, tokenHash);
      const id = await table.nextId('hook');
      const item = { ...key, id, provider, generation: 1, created_at: now };
      // A repeat of the SDK's after a lost answer finds its own item.
      if (!(await table.put(item, isNew)) && (await table.get(key))?.['id'] !== id) throw new Error('a hook with this token exists');
      if (await isThere()) return hookOfItem(item);
      await table.remove(key);
      return undefined;
    },

    ofProject,

    async rotate(projectId, hookId, previousUntil) {
      for (let attempt = 0; attempt < writeAttempts; attempt++) {
        const hook = await find(projectId, hookId);
        if (hook === undefined) return undefined;
        const next = hook.generation + 1;
        const changes = { generation: next, previous_until: previousUntil };
        const parts = updateExpression(changes, { values: { ':seen': hook.generation } });
        const item = await table.update(keyOf(hook), parts, `${exists} AND generation = :seen`);
        if (item !== undefined) return hookOfItem(item);
        const now = await find(projectId, hookId);
        // A repeat of the SDK's after a lost answer: this rotation is done. Otherwise somebody else's was, or the hook is gone: look again.
        if (now?.generation === next && now.previousUntil === previousUntil) return now;
      }
      throw contended();
    },

    async delete(projectId, hookId) {
      const hook = await find(projectId, hookId);
      return hook !== undefined && (await table.remove(keyOf(hook))) !== undefined;
    },

    async noteDelivery(hook, { now, of }) {
      const changes = { last_delivery_at: now, silent_since: null, ...(of === null ? {} : { last_delivery_of: of }) };
      await table.update(keyOf(hook), updateExpression(changes), exists);
    },

    async noteSilent(hook, now) {
      const seen = hook.lastDeliveryAt;
      const parts = updateExpression(
        {},
        {
          set: ['silent_since = if_not_exists(silent_since, :now)'],
          values: { ':now': now, ...(seen === null ? {} : { ':seen': seen }) },
        },
      );
      const unchanged = seen === null ? 'attribute_not_exists(last_delivery_at)' : 'last_delivery_at = :seen';
      await table.update(keyOf(hook), parts, `${exists} AND ${unchanged}`);
    },
  };
}

export function hookOfItem(item: Item): Hook {
  return {
    id: item['id'],
    projectId: Number(String(item['pk']).slice('PROJECT#'.length)),
    provider: item['provider'],
    tokenHash: String(item['sk']).slice('HOOK#'.length),
    generation: item['generation'],
    previousUntil: item['previous_until'] ?? null,
    createdAt: item['created_at'],
    lastDeliveryAt: item['last_delivery_at'] ?? null,
    lastDeliveryOf: item['last_delivery_of'] ?? null,
    silentSince: item['silent_since'] ?? null,
  } as Hook;
}
