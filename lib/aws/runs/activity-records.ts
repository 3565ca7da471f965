/** A project's activity in the table: the refs that a run moved, in one item or a few, newest first. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { ActivityRecords } from '../../model/records.ts';
import type { Activity } from '../../model/run.ts';
import type { Item } from '../table/item.ts';
import { rowsForPage, totalOf } from '../table/list-page.ts';
import type { RecordTable } from '../table/record-table.ts';
import { decodeChunk, encodeChunks } from '../table/ref-chunks.ts';
import { type ItemKey, keys } from '../table/table.ts';
import { expiryOf } from './run-records.ts';

interface ActivityRow {
  readonly key: ItemKey;
  readonly count: number;
}

export function createActivityRecords(table: RecordTable, clock: Clock): ActivityRecords {
  return {
    async add(projectId, runId, moves) {
      const [first] = moves;
      if (first === undefined) return;
      const chunks = await encodeChunks(moves.slice(0, serviceLimits.runRefs));
      for (const [index, { count, data }] of chunks.entries()) {
        // Read backwards: the first part of a run has the highest number.
        const part = String(chunks.length - 1 - index).padStart(4, '0');
        await table.put({
          ...keys.activity(projectId, `${runId}#${part}`),
          moves: data,
          move_count: count,
          expires_at: expiryOf(first.at),
        });
      }
    },

    async list(projectId, { page, perPage, sort }) {
      const { pk, sk } = keys.activity(projectId, '');
      const condition = { expression: 'pk = :pk AND begins_with(sk, :activity)', values: { ':pk': pk, ':activity': sk } };
      const query = { condition, only: ['pk', 'sk', 'move_count', 'expires_at'], newestFirst: sort !== 'asc' };
      // Without the moves themselves. DynamoDB takes its time to delete.
      const { rows, ...counted } = await rowsForPage<ActivityRow>(table.pages(query), { page, perPage }, (item) => {
        if (Number(item['expires_at']) <= clock.now() / 1000) return undefined;
        const count = Number(item['move_count']);
        return { value: { key: { pk: String(item['pk']), sk: String(item['sk']) }, count }, count };
      });
      return {
        items: await readMoves(table, rows, (page - 1) * perPage, perPage),
        total: totalOf(counted),
        hasNext: counted.count > page * perPage,
      };
    },
  };
}

/** Reads only the items that have a part in the page. */
async function readMoves(table: RecordTable, rows: readonly ActivityRow[], offset: number, perPage: number): Promise<Activity[]> {
  let start = 0;
  let skipped: number | undefined;
  const wanted: ItemKey[] = [];
  for (const { key, count } of rows) {
    if (start + count > offset && start < offset + perPage) {
      skipped ??= start;
      wanted.push(key);
    }
    start += count;
  }
  const items: Item[] = await table.getMany(wanted);
  const moves = (await Promise.all(items.map((item) => decodeChunk(item['moves'] as Uint8Array)))).flat() as Activity[];
  return moves.slice(offset - (skipped ?? 0), offset - (skipped ?? 0) + perPage);
}
