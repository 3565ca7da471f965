/** What a DynamoDB client is asked, by name of the command. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Calls that `work` makes. */
export async function callsOf(dynamo: DynamoDBDocumentClient, work: () => Promise<unknown>): Promise<readonly string[]> {
  const calls: string[] = [];
  const name = 'callsOf';
  dynamo.middlewareStack.add(
    (next, { commandName }) =>
      (input) => {
        calls.push(commandName ?? '');
        return next(input);
      },
    { step: 'initialize', name },
  );
  try {
    await work();
  } finally {
    dynamo.middlewareStack.remove(name);
  }
  return calls;
}
