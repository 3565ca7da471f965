/** The console's sessions in the table, under their hash; those of one token or person are found in the index `list`. */
import { createHash, randomUUID } from 'node:crypto';
import type { SessionRecords } from '../../model/records.ts';
import type { Person, Session } from '../../model/session.ts';
import type { Item } from '../table/item.ts';
import { isNew, type RecordTable } from '../table/record-table.ts';
import { indexes, keys } from '../table/table.ts';

/** One partition of the index per token: its sessions, by the time they were made. */
function bucketOf(tokenId: number): string {
  return `SESSIONS#${tokenId}`;
}

/** The same of a person: by a hash, because an issuer may be longer than a key. */
function bucketOfPerson({ issuer, subject }: Pick<Person, 'issuer' | 'subject'>): string {
  return `SESSIONS#${createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')}`;
}

export function createSessionRecords(table: RecordTable): SessionRecords {
  const deleteBucket = async (bucket: string): Promise<void> => {
    const condition = { expression: 'list_bucket = :bucket', values: { ':bucket': bucket } };
    const rows = await table.all({ index: indexes.list, condition, only: ['pk', 'sk'] });
    await table.removeMany(rows.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
  };

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

    deleteOfToken: (tokenId) => deleteBucket(bucketOf(tokenId)),

    deleteOfPerson: (person) => deleteBucket(bucketOfPerson(person)),

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
function itemOfSession(session: Session): Item {
  const { sessionHash, createdAt, expiresAt, person } = session;
  const whose =
    person === undefined
      ? { list_bucket: bucketOf(session.tokenId), token_hash: session.tokenHash, token_id: session.tokenId }
      : { list_bucket: bucketOfPerson(person), person };
  return {
    ...keys.session(sessionHash),
    ...whose,
    list_id: createdAt,
    created_at: createdAt,
    valid_until: expiresAt,
    expires_at: Math.ceil(expiresAt / 1000),
  };
}

function sessionOfItem(item: Item): Session {
  const times = {
    sessionHash: String(item['pk']).slice('SESSION#'.length),
    createdAt: Number(item['created_at']),
    expiresAt: Number(item['valid_until']),
  };
  if (item['person'] !== undefined) return { ...times, person: item['person'] as Person };
  return { ...times, tokenHash: String(item['token_hash']), tokenId: Number(item['token_id']) };
}
