/** What is remembered for narrow runs, an item a mirror beside its runs. The mirror's own item is written several times a run and stays small. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { NarrowMemory, NarrowMemoryRecords } from '../../jobs/runs/narrow-memory.ts';
import { createRecordTable, type RecordTableInput } from '../table/record-table.ts';
import { keys } from '../table/table.ts';

export function createNarrowMemories({ clock, ...input }: RecordTableInput & { readonly clock: Clock }): NarrowMemoryRecords {
  const table = createRecordTable(input);
  return {
    async get(mirrorId) {
      const item = await table.get(keys.narrow(mirrorId));
      return typeof item?.['memory'] === 'string' ? (JSON.parse(item['memory']) as NarrowMemory) : undefined;
    },
    async put(mirrorId, memory) {
      const expires = Math.floor(clock.now() / 1000) + serviceLimits.narrowMemorySeconds;
      await table.put({ ...keys.narrow(mirrorId), memory: JSON.stringify(memory), expires_at: expires });
    },
  };
}
