/** Pages of lists: from the `list` index, bucketed by id, and from anything that is listed whole. */
import type { Page, PageRequest } from '../../model/records.ts';
import type { Item } from './item.ts';
import type { RecordQuery, RecordTable, RowPage } from './record-table.ts';
import { type ItemKey, indexes, listBucketSize } from './table.ts';

/** Totals beyond this are not counted, as with GitLab. */
const countedUpTo = 10_000;
/** Nor is anything counted that takes more requests than this: each reads 1 MB of items, however little of them is wanted. */
const countingRequests = 2;
/** Buckets read side by side where the first ones do not fill the page: after many deletions there may be empty ones. */
const bucketsAtOnce = 8;

export interface Rows<T> {
  readonly rows: readonly T[];
  /** How many things these are. */
  readonly count: number;
  /** There are no more. */
  readonly isAll: boolean;
}

/**
 * Reads until there is enough for the page and to know whether another one follows, and on, for the total, as far as that is cheap. `read` gives what a
 * row stands for; undefined = it does not count.
 */
export async function rowsForPage<T>(
  pages: AsyncIterable<RowPage>,
  { page, perPage }: PageRequest,
  read: (row: Item) => { readonly value: T; readonly count: number } | undefined,
): Promise<Rows<T>> {
  const rows: T[] = [];
  let count = 0;
  let requests = 0;
  for await (const piece of pages) {
    requests++;
    for (const row of piece.rows) {
      const found = read(row);
      if (found === undefined) continue;
      rows.push(found.value);
      count += found.count;
    }
    const isEnough = count > page * perPage && (requests >= countingRequests || count > countedUpTo);
    if (isEnough && !piece.isLast) return { rows, count, isAll: false };
  }
  return { rows, count, isAll: true };
}

/** A total that may be told. */
export function totalOf({ count, isAll }: Omit<Rows<unknown>, 'rows'>): number | undefined {
  return isAll && count <= countedUpTo ? count : undefined;
}

export type ListKind = 'PROJECTS' | 'TOKENS' | 'CREDENTIALS' | 'CHANNELS';

/**
 * The page's items as the table has them now: the index may be a little old, and what is gone by now is left out. `lastId` is the highest id that
 * was given. A keyset page (`idAfter`) has no total; it costs the same however deep it is.
 */
export async function readListPage(table: RecordTable, kind: ListKind, lastId: number, page: PageRequest): Promise<Page<Item>> {
  const keyset = page.idAfter !== undefined;
  const place = keyset ? { ...page, page: 1 } : page;
  const { rows, count, isAll } = await rowsForPage(pagesOfBuckets(table, kind, bucketsOf(lastId, page), page), place, (row) => ({
    value: { pk: String(row['pk']), sk: String(row['sk']) },
    count: 1,
  }));
  const { items, hasNext } = slicePage<ItemKey>(rows, place);
  return { items: await table.getMany(items), total: keyset ? undefined : totalOf({ count, isAll }), hasNext };
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

/** The first buckets one by one, as they mostly suffice. */
async function* pagesOfBuckets(table: RecordTable, kind: ListKind, buckets: readonly number[], page: PageRequest): AsyncGenerator<RowPage> {
  const first = buckets.slice(0, countingRequests);
  for (const [index, bucket] of first.entries()) {
    for await (const { rows, isLast } of table.pages(queryOfBucket(`${kind}#${bucket}`, page)))
      yield { rows, isLast: isLast && index + 1 === buckets.length };
  }
  for (let at = first.length; at < buckets.length; at += bucketsAtOnce) {
    const group = buckets.slice(at, at + bucketsAtOnce);
    const rows = await Promise.all(group.map((bucket) => table.all(queryOfBucket(`${kind}#${bucket}`, page))));
    yield { rows: rows.flat(), isLast: at + bucketsAtOnce >= buckets.length };
  }
}

function queryOfBucket(bucket: string, page: PageRequest): RecordQuery {
  const beyond = page.idAfter === undefined ? '' : ` AND list_id ${page.sort === 'desc' ? '<' : '>'} :after`;
  return {
    index: indexes.list,
    condition: {
      expression: `list_bucket = :bucket${beyond}`,
      values: { ':bucket': bucket, ...(page.idAfter === undefined ? {} : { ':after': page.idAfter }) },
    },
    only: ['pk', 'sk'],
    newestFirst: page.sort === 'desc',
  };
}
