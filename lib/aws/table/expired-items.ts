/** Deletes what has expired, where the table does not do so by itself (dynalite has no time to live). */
import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Item } from './item.ts';
import { createRecordTable } from './record-table.ts';
import { storageError } from './storage-error.ts';
import type { ItemKey } from './table.ts';

/** Reads the whole table, a page at a time. `now` in milliseconds since 1970. Resolves with how many items were deleted. */
export async function deleteExpiredItems(
  { dynamo, tableName }: { readonly dynamo: DynamoDBDocumentClient; readonly tableName: string },
  now: number,
): Promise<number> {
  const table = createRecordTable({ dynamo, tableName });
  const expired = { expression: 'expires_at < :now', values: { ':now': Math.floor(now / 1000) } };
  let deleted = 0;
  let start: Item | undefined;
  do {
    const input = {
      TableName: tableName,
      ProjectionExpression: 'pk, sk',
      FilterExpression: expired.expression,
      ExpressionAttributeValues: expired.values,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    };
    const page = await dynamo.send(new ScanCommand(input)).catch((error: unknown) => {
      throw storageError(error);
    });
    for (const { pk, sk } of (page.Items ?? []) as ItemKey[]) {
      // Unless somebody has given it a later end by now.
      if ((await table.remove({ pk, sk }, expired)) !== undefined) deleted++;
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return deleted;
}
