/** Lambda: tells people: makes notices deliveries, and sends those. */
import type { SQSBatchResponse } from 'aws-lambda';
import { handleMessages } from '../lib/notify/handle-messages.ts';
import { wireNotify } from './notify-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';
import type { WorkerEvent } from './worker.ts';

const deps = wireNotify(createService(serviceSettings({ queue: true, publicUrl: true })));

export async function handler(event: WorkerEvent): Promise<SQSBatchResponse> {
  const failed = await handleMessages(
    event.Records.map(({ messageId, body }) => ({ id: messageId, body })),
    deps,
  );
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
