/** The console's sessions in the table, under their hash; those of one token are found in the index `list`. */
import { randomUUID } from 'node:crypto';
import type { SessionRecords } from '../../model/records.ts';
import type { Session } from '../../model/session.ts';
import type { Item } from '../table/item.ts';
import { isNew, type RecordTable } from '../table/record-table.ts';
import { indexes, keys } from '../table/table.ts';

/** One partition of the index per token: its sessions, by the time they were made. */
function bucketOf(tokenId: number): string {
  return `SESSIONS#${tokenId}`;
}

export function createSessionRecords(table: RecordTable): SessionRecords {
  return {
    async create(session) {
      await table.put(itemOfSession(session));
    },

    async find(sessionHash) {
      const item = await table.get(keys.session(sessionHash));
      return item === undefined ? undefined : sessionOfItem(item);
    },

    async delete(sessionHash) {
      await table.remove(keys.session(sessionHash));
    },

    async deleteOfToken(tokenId) {
      const condition = { expression: 'list_bucket = :bucket', values: { ':bucket': bucketOf(tokenId) } };
      const rows = await table.all({ index: indexes.list, condition, only: ['pk', 'sk'] });
      await table.removeMany(rows.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
    },

    async claimForm({ sessionHash, expiresAt }, nonce) {
      const key = keys.sessionForm(sessionHash, nonce);
      // A repeat of the SDK's after a lost answer finds its own mark; a double click finds another's.
      const claim = randomUUID();
      if (await table.put({ ...key, claim, expires_at: Math.ceil(expiresAt / 1000) }, isNew)) return true;
      return (await table.get(key))?.['claim'] === claim;
    },
  };
}

/** `expires_at` is the table's TTL attribute, in seconds. */
function itemOfSession({ sessionHash, tokenHash, tokenId, createdAt, expiresAt }: Session): Item {
  return {
    ...keys.session(sessionHash),
    list_bucket: bucketOf(tokenId),
    list_id: createdAt,
    token_hash: tokenHash,
    token_id: tokenId,
    created_at: createdAt,
    valid_until: expiresAt,
    expires_at: Math.ceil(expiresAt / 1000),
  };
}

function sessionOfItem(item: Item): Session {
  return {
    sessionHash: String(item['pk']).slice('SESSION#'.length),
    tokenHash: String(item['token_hash']),
    tokenId: Number(item['token_id']),
    createdAt: Number(item['created_at']),
    expiresAt: Number(item['valid_until']),
  };
}
