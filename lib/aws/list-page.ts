/** Pages of lists: from the `list` index, bucketed by id, and from anything that is listed whole. */
import type { Page, PageRequest } from '../model/records.ts';
import type { Item } from './mirror-item.ts';
import type { RecordTable } from './record-table.ts';
import { type ItemKey, indexes, listBucketSize } from './table.ts';

/** Totals beyond this are not counted, as with GitLab. */
export const countedUpTo = 10_000;
/** Buckets read side by side: after many deletions there may be empty ones. */
const bucketsAtOnce = 8;

export type ListKind = 'PROJECTS' | 'TOKENS' | 'CREDENTIALS';

/**
 * The page's items as the table has them now: the index may be a little old, and what is gone by now is left out. `lastId` is the highest id that
 * was given. A keyset page (`idAfter`) has no total; it costs the same however deep it is.
 */
export async function readListPage(table: RecordTable, kind: ListKind, lastId: number, page: PageRequest): Promise<Page<Item>> {
  const keyset = page.idAfter !== undefined;
  const offset = keyset ? 0 : (page.page - 1) * page.perPage;
  const enough = keyset ? page.perPage + 1 : Math.max(countedUpTo + 1, offset + page.perPage + 1);
  const rows: ItemKey[] = [];
  const buckets = bucketsOf(lastId, page);
  while (rows.length < enough && buckets.length > 0) {
    const next = await Promise.all(buckets.splice(0, bucketsAtOnce).map((bucket) => rowsOfBucket(table, `${kind}#${bucket}`, page)));
    rows.push(...next.flat());
  }
  return {
    items: await table.getMany(rows.slice(offset, offset + page.perPage)),
    total: keyset || rows.length > countedUpTo ? undefined : rows.length,
    hasNext: rows.length > offset + page.perPage,
  };
}

/** A page of what is in memory, in its order; `idAfter` is the caller's. */
export function slicePage<T>(all: readonly T[], { page, perPage }: PageRequest): Page<T> {
  const offset = (page - 1) * perPage;
  return {
    items: all.slice(offset, offset + perPage),
    total: all.length > countedUpTo ? undefined : all.length,
    hasNext: all.length > offset + perPage,
  };
}

/** Whether an id lies beyond `idAfter` in the list's order. */
export function isBeyond(id: number, { idAfter, sort }: PageRequest): boolean {
  if (idAfter === undefined) return true;
  return sort === 'desc' ? id < idAfter : id > idAfter;
}

/** In the list's order, without those that `idAfter` rules out. */
function bucketsOf(lastId: number, { idAfter, sort }: PageRequest): number[] {
  const last = Math.floor(lastId / listBucketSize);
  const border = idAfter === undefined ? undefined : Math.floor(idAfter / listBucketSize);
  const low = sort === 'desc' ? 0 : Math.max(0, border ?? 0);
  const high = sort === 'desc' ? Math.min(last, border ?? last) : last;
  const buckets = Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);
  return sort === 'desc' ? buckets.reverse() : buckets;
}

async function rowsOfBucket(table: RecordTable, bucket: string, page: PageRequest): Promise<ItemKey[]> {
  const beyond = page.idAfter === undefined ? '' : ` AND list_id ${page.sort === 'desc' ? '<' : '>'} :after`;
  const rows = await table.all({
    index: indexes.list,
    condition: {
      expression: `list_bucket = :bucket${beyond}`,
      values: { ':bucket': bucket, ...(page.idAfter === undefined ? {} : { ':after': page.idAfter }) },
    },
    only: ['pk', 'sk'],
    newestFirst: page.sort === 'desc',
  });
  return rows.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) }));
}
