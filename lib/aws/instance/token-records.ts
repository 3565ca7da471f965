/** API tokens in the table, under their hash. */
import { serviceLimits } from '../../core/service-limits.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { TokenRecords } from '../../model/records.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { readListPage } from '../table/list-page.ts';
import { isNew, type RecordTable } from '../table/record-table.ts';
import { indexes, keys, listAttributes } from '../table/table.ts';

export function createTokenRecords(table: RecordTable): TokenRecords {
  /** By the index, then as it is now. */
  const byId = async (id: number): Promise<Item | undefined> => {
    const { list_bucket: bucket } = listAttributes('TOKENS', id);
    const condition = { expression: 'list_bucket = :bucket AND list_id = :id', values: { ':bucket': bucket, ':id': id } };
    const [row] = await table.all({ index: indexes.list, condition, only: ['pk', 'sk'] });
    return row === undefined ? undefined : table.get({ pk: String(row['pk']), sk: String(row['sk']) });
  };

  return {
    async create(token) {
      const id = await table.nextId('token');
      const item = itemOfToken({ ...token, id });
      const written = (await table.put(item, isNew)) || (await table.get(keys.token(token.tokenHash)))?.['id'] === id;
      if (!written) throw new Error('a token with this hash exists');
      return { ...token, id };
    },

    async find(tokenHash) {
      const item = await table.get(keys.token(tokenHash));
      return item === undefined ? undefined : tokenOfItem(item);
    },

    async get(id) {
      const item = await byId(id);
      return item === undefined ? undefined : tokenOfItem(item);
    },

    async list(page) {
      const { items, ...rest } = await readListPage(table, 'TOKENS', await table.lastId('token'), page);
      return { ...rest, items: items.map(tokenOfItem) };
    },

    async delete(id) {
      const item = await byId(id);
      return item !== undefined && (await table.remove({ pk: String(item['pk']), sk: String(item['sk']) })) !== undefined;
    },
  };
}

/** `expires_at` is the table's TTL attribute, in seconds; the token's own expiry is another. */
function itemOfToken(token: AccessToken): Item {
  return withoutNulls({
    ...keys.token(token.tokenHash),
    ...listAttributes('TOKENS', token.id),
    id: token.id,
    token_name: token.name,
    token_role: token.role,
    project_ids: token.projectIds,
    valid_until: token.expiresAt,
    created_at: token.createdAt,
    expires_at: token.expiresAt === null ? null : Math.ceil(token.expiresAt / 1000) + serviceLimits.expiredTokenSeconds,
  });
}

function tokenOfItem(item: Item): AccessToken {
  return {
    id: item['id'],
    name: item['token_name'],
    tokenHash: String(item['pk']).slice('TOKEN#'.length),
    role: item['token_role'],
    projectIds: item['project_ids'] ?? null,
    expiresAt: item['valid_until'] ?? null,
    createdAt: item['created_at'],
  } as AccessToken;
}
