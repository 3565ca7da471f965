/** The instance's settings: one item, with defaults for what was never set, and a short cache. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import { defaultInstanceSettings, type InstanceSettings } from '../../model/instance-settings.ts';
import type { SettingsRecords } from '../../model/records.ts';
import { createExpiringCache } from '../expiring-cache.ts';
import type { Item } from '../table/item.ts';
import type { RecordTable } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

const attributes: Readonly<Record<keyof InstanceSettings, string>> = {
  silentModeEnabled: 'silent_mode_enabled',
  pushMinIntervalSeconds: 'push_min_interval',
  pullIntervalSeconds: 'pull_interval',
  pullMinIntervalSeconds: 'pull_min_interval',
  reconcileIntervalSeconds: 'reconcile_interval',
  maxRunsPerHost: 'max_runs_per_host',
  maxDeletionsPercent: 'max_deletions_percent',
};

/** There is one such item and it is never deleted: the first change makes it. */
const anyhow = 'attribute_exists(pk) OR attribute_not_exists(pk)';

/** A write starts the cache anew. */
export function createSettingsRecords(table: RecordTable, clock: Clock): SettingsRecords {
  const cache = createExpiringCache<Item>({ maxAgeMs: serviceLimits.settingsCacheMs, maxEntries: 1, clock });
  const load = async () => (await table.get(keys.instance())) ?? {};
  const keep = (item: Item): Promise<Item> => cache.get('settings', { fresh: true, load: async () => item });

  return {
    get: async ({ fresh = false } = {}) => settingsOfItem(await cache.get('settings', { fresh, load })),

    async update(changes) {
      const named = Object.entries(changes).map(([field, value]) => [attributes[field as keyof InstanceSettings], value]);
      const parts = updateExpression(Object.fromEntries(named));
      if (parts.UpdateExpression === '') return this.get({ fresh: true });
      const item = await table.update(keys.instance(), parts, anyhow);
      return settingsOfItem(await keep(item ?? {}));
    },

    async heardNotices() {
      const { heard_notices: heard } = await cache.get('settings', { fresh: false, load });
      return heard instanceof Set ? (heard as ReadonlySet<string>) : new Set();
    },

    async addHeardNotices(types) {
      if (types.length === 0) return;
      const parts = updateExpression({}, { add: ['heard_notices :types'], values: { ':types': new Set(types) } });
      await keep((await table.update(keys.instance(), parts, anyhow)) ?? {});
    },
  };
}

function settingsOfItem(item: Item): InstanceSettings {
  const fields = Object.entries(attributes).flatMap(([field, attribute]) =>
    item[attribute] === undefined ? [] : [[field, item[attribute]]],
  );
  return { ...defaultInstanceSettings, ...Object.fromEntries(fields) };
}
