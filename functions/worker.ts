/** Lambda: mirrors what a batch of queue messages asks for; the jobs of a batch run side by side. */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { runBatch } from '../lib/jobs/run-batch.ts';
import { wireWorker } from './wiring.ts';

const deps = wireWorker();

export async function handler(event: SQSEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<SQSBatchResponse> {
  const messages = event.Records.map(({ messageId, body }) => ({ id: messageId, body }));
  const failed = await runBatch(messages, context.getRemainingTimeInMillis(), deps);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
