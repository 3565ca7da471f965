/** Shared credentials in the table: their names and where their values are kept. */
import { keyPairMethod, passwordMethod } from '../../credentials/registry.ts';
import type { SharedCredential } from '../../credentials/shared-credential.ts';
import type { CredentialRecords } from '../../model/records.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { readListPage } from '../table/list-page.ts';
import { exists, isNew, type RecordTable } from '../table/record-table.ts';
import { keys, listAttributes } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

export function createCredentialRecords(table: RecordTable): CredentialRecords {
  const get = async (id: number): Promise<SharedCredential | undefined> => {
    const item = await table.get(keys.credential(id));
    return item === undefined ? undefined : credentialOfItem(item);
  };

  return {
    async create(credential) {
      const id = await table.nextId('credential');
      const item = {
        ...keys.credential(id),
        ...listAttributes('CREDENTIALS', id),
        id,
        title: credential.name,
        auth_method: credential.authMethod,
        settings: credential.settings,
        secret_name: credential.secretName,
        public_key: credential.publicKey,
        allowed_urls: credential.allowedUrls,
        created_at: credential.createdAt,
        updated_at: credential.updatedAt,
      };
      await table.put(withoutNulls(item), isNew);
      return credentialOfItem(item);
    },

    get,

    async update(id, { name, updatedAt, secretName, settings, publicKey, allowedUrls, expiresAt, renewingSince }) {
      const changes = {
        title: name,
        updated_at: updatedAt,
        secret_name: secretName ?? undefined,
        settings,
        public_key: publicKey,
        allowed_urls: allowedUrls,
        expires_at: expiresAt,
        renewing_since: renewingSince,
      };
      if (Object.values(changes).every((value) => value === undefined)) return get(id);
      const item = await table.update(keys.credential(id), updateExpression(changes), exists);
      return item === undefined ? undefined : credentialOfItem(item);
    },

    async beginRenewal(id, { expiresAt, now }) {
      const isAsRead = expiresAt === null ? 'attribute_not_exists(expires_at)' : 'expires_at = :read';
      const parts = updateExpression({ renewing_since: now }, expiresAt === null ? {} : { values: { ':read': expiresAt } });
      const condition = `${exists} AND attribute_not_exists(renewing_since) AND ${isAsRead}`;
      return (await table.update(keys.credential(id), parts, condition)) !== undefined;
    },

    async noteAllowedUrls(id, urls) {
      const parts = updateExpression({ allowed_urls: urls });
      const item = await table.update(keys.credential(id), parts, `${exists} AND attribute_not_exists(allowed_urls)`);
      return item === undefined ? get(id) : credentialOfItem(item);
    },

    async delete(id) {
      return (await table.remove(keys.credential(id))) !== undefined;
    },

    async list(page) {
      const { items, ...rest } = await readListPage(table, 'CREDENTIALS', await table.lastId('credential'), page);
      return { ...rest, items: items.map(credentialOfItem) };
    },
  };
}

function credentialOfItem(item: Item): SharedCredential {
  return {
    id: item['id'],
    name: item['title'],
    // Made before there were more than two methods.
    authMethod: item['auth_method'] ?? (item['public_key'] == null ? passwordMethod : keyPairMethod),
    secretName: item['secret_name'] ?? null,
    settings: item['settings'] ?? {},
    publicKey: item['public_key'] ?? null,
    allowedUrls: item['allowed_urls'] ?? null,
    expiresAt: item['expires_at'] ?? null,
    renewingSince: item['renewing_since'] ?? null,
    createdAt: item['created_at'],
    updatedAt: item['updated_at'],
  } as SharedCredential;
}
