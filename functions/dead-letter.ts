/** Lambda: marks mirrors whose messages could not be handled; their requests stay and the tick tries again. */
import type { SQSBatchResponse } from 'aws-lambda';
import { runBatch } from '../lib/jobs/runs/run-batch.ts';
import { wireDeadLetter } from './service-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';
import type { WorkerEvent } from './worker.ts';

const deps = wireDeadLetter(createService(serviceSettings({ queue: true, publicUrl: false })));
/** One conditional write each. */
const longestMs = 20_000;

export async function handler(event: WorkerEvent): Promise<SQSBatchResponse> {
  const messages = event.Records.map(({ messageId, body }) => ({ id: messageId, body }));
  const failed = await runBatch(messages, longestMs, deps);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
