/** Lambda: mirrors what a batch of queue messages asks for; the jobs of a batch run side by side. */
import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { runBatch } from '../lib/jobs/runs/run-batch.ts';
import { wireWorker } from './service-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';

const deps = wireWorker(createService(serviceSettings({ queue: true, publicUrl: false })));

/** What is read of an SQS event. */
export interface WorkerEvent {
  readonly Records: readonly Pick<SQSRecord, 'messageId' | 'body'>[];
}

export async function handler(event: WorkerEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<SQSBatchResponse> {
  const messages = event.Records.map(({ messageId, body }) => ({ id: messageId, body }));
  const failed = await runBatch(messages, context.getRemainingTimeInMillis(), deps);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
