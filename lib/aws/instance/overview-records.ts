/** What the overview reads: all mirrors from the index `overview`, all projects from `list`, a few attributes of each. */
import { serviceLimits } from '../../core/service-limits.ts';
import { dueShards } from '../../jobs/mirror-jobs.ts';
import type { MirrorKey } from '../../model/mirror.ts';
import type { MirrorDigest, ProjectDigest } from '../../model/overview.ts';
import type { OverviewRecords } from '../../model/records.ts';
import { fieldsOfItem, keyOfItem, mirrorOfItem } from '../mirrors/mirror-item.ts';
import type { Item } from '../table/item.ts';
import type { RecordQuery, RecordTable } from '../table/record-table.ts';
import { indexes, keys, listBucketSize } from '../table/table.ts';

/** Buckets read side by side. */
const bucketsAtOnce = 8;

export function createOverviewRecords(table: RecordTable): OverviewRecords {
  return {
    async mirrors() {
      const shards = Array.from({ length: dueShards }, (_, shard) => {
        const condition = { expression: 'due_shard = :shard', values: { ':shard': `DUE#${shard}` } };
        return take(table, { index: indexes.overview, condition }, serviceLimits.overviewMirrors / dueShards);
      });
      return (await Promise.all(shards)).flat().map(mirrorDigestOfItem);
    },

    async projects() {
      const buckets = Array.from({ length: Math.floor((await table.lastId('project')) / listBucketSize) + 1 }, (_, bucket) => bucket);
      const found: Item[] = [];
      while (buckets.length > 0 && found.length < serviceLimits.overviewProjects) {
        const next = buckets.splice(0, bucketsAtOnce).map((bucket) => {
          const condition = { expression: 'list_bucket = :bucket', values: { ':bucket': `PROJECTS#${bucket}` } };
          return table.all({ index: indexes.list, condition, only: ['id', 'path', 'repository_url'] });
        });
        found.push(...(await Promise.all(next)).flat());
      }
      return found.slice(0, serviceLimits.overviewProjects).map(projectDigestOfItem);
    },

    async mirrorsOf(wanted: readonly MirrorKey[]) {
      return (await table.getMany(wanted.map(keys.mirror))).map(mirrorOfItem);
    },
  };
}

async function take(table: RecordTable, query: RecordQuery, most: number): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of table.query(query)) {
    if (items.push(item) >= most) break;
  }
  return items;
}

const digestFields = ['id', 'direction', 'url', 'enabled', 'paused', 'updateStatus', 'lastUpdateAt', 'failingSince'] as const;

function mirrorDigestOfItem(item: Item): MirrorDigest {
  return { ...keyOfItem(item), ...fieldsOfItem(item, digestFields) };
}

function projectDigestOfItem(item: Item): ProjectDigest {
  return { id: Number(item['id']), path: String(item['path']), repositoryUrl: String(item['repository_url']) };
}
