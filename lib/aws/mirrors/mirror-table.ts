/** One mirror's item: strongly consistent reads, and writes with every clause named. */
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { MirrorKey } from '../../model/mirror.ts';
import type { Item } from '../table/item.ts';
import { isConditionFailure, storageError } from '../table/storage-error.ts';
import { keys } from '../table/table.ts';
import type { UpdateParts } from '../table/update-expression.ts';

/** One write: what changes, and every clause that must hold for it. All clauses are joined by AND. */
export interface ConditionalWrite {
  readonly parts: UpdateParts;
  readonly conditions: readonly string[];
}

export interface MirrorTable {
  /** The item before or after the write; undefined = a clause did not hold. Throws `storage_unavailable`. */
  write(key: MirrorKey, write: ConditionalWrite, give: 'ALL_OLD' | 'ALL_NEW' | 'NONE'): Promise<Item | undefined>;
  /** The same, and whether the SDK asked more than once: the item before may then be one that this write has changed already. */
  writeOver(key: MirrorKey, write: ConditionalWrite): Promise<{ readonly before: Item; readonly wasRepeated: boolean } | undefined>;
  read(key: MirrorKey): Promise<Item | undefined>;
}

export function createMirrorTable({
  dynamo,
  tableName,
}: {
  readonly dynamo: DynamoDBDocumentClient;
  readonly tableName: string;
}): MirrorTable {
  async function update(key: MirrorKey, { parts, conditions }: ConditionalWrite, give: 'ALL_OLD' | 'ALL_NEW' | 'NONE') {
    const input = {
      TableName: tableName,
      Key: keys.mirror(key),
      ...parts,
      ConditionExpression: conditions.join(' AND '),
      ReturnValues: give,
    };
    try {
      return await dynamo.send(new UpdateCommand(input));
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw storageError(error);
    }
  }

  return {
    async write(key, write, give) {
      const answer = await update(key, write, give);
      return answer === undefined ? undefined : (answer.Attributes ?? {});
    },
    async writeOver(key, write) {
      const answer = await update(key, write, 'ALL_OLD');
      if (answer === undefined) return undefined;
      return { before: answer.Attributes ?? {}, wasRepeated: (answer.$metadata?.attempts ?? 1) > 1 };
    },
    async read(key) {
      try {
        const { Item: item } = await dynamo.send(new GetCommand({ TableName: tableName, Key: keys.mirror(key), ConsistentRead: true }));
        return item;
      } catch (error) {
        throw storageError(error);
      }
    },
  };
}
