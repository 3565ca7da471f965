/** The queue on SQS: wake-ups in batches, and for a poller on one machine receiving and acknowledging. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../core/log.ts';
import { serviceLimits } from '../core/service-limits.ts';
import type { JobQueue, WakeUp } from '../jobs/requests/job-queue.ts';
import { encodeJob } from '../model/job.ts';
import { kindOf } from './table/storage-error.ts';

export interface JobQueueDeps {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly log: Log;
}

export function createJobQueue({ sqs, queueUrl, log }: JobQueueDeps): JobQueue {
  async function sendBatch(wakeUps: readonly WakeUp[]): Promise<readonly WakeUp[]> {
    try {
      const { Failed: failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: wakeUps.map(entryOf) }));
      if (failed.length > 0) log.write('warn', 'wake_ups_not_sent', { count: failed.length, kind: failed[0]?.Code });
      return failed.flatMap(({ Id: id }) => wakeUps[Number(id)] ?? []);
    } catch (error) {
      log.write('warn', 'wake_ups_not_sent', { count: wakeUps.length, kind: error instanceof Error ? kindOf(error) : 'unknown' });
      return wakeUps;
    }
  }
  return {
    async send(wakeUps) {
      return (await Promise.all(batchesOf(wakeUps).map(sendBatch))).flat();
    },
  };
}

function entryOf({ key, delaySeconds }: WakeUp, index: number) {
  const delay = Math.min(Math.max(Math.ceil(delaySeconds), 0), serviceLimits.queueDelaySeconds);
  return { Id: String(index), MessageBody: encodeJob(key), DelaySeconds: delay };
}

export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  /** For `acknowledge`. */
  readonly receipt: string;
}

export interface JobReceiver {
  /** Waits up to 20 seconds for at least one message, and takes at most 10. Resolves with none when the signal aborts. Rejects with the SDK's error when SQS cannot be reached. */
  receive(options: {
    readonly waitSeconds: number;
    readonly max: number;
    readonly signal: AbortSignal;
  }): Promise<readonly ReceivedMessage[]>;
  /** Messages that are not acknowledged come again after the queue's visibility timeout. */
  acknowledge(receipts: readonly string[]): Promise<void>;
}

export function createJobReceiver({ sqs, queueUrl }: Omit<JobQueueDeps, 'log'>): JobReceiver {
  return {
    async receive({ waitSeconds, max, signal }) {
      const input = {
        QueueUrl: queueUrl,
        WaitTimeSeconds: Math.min(waitSeconds, 20),
        MaxNumberOfMessages: Math.min(max, serviceLimits.queueBatch),
      };
      try {
        // The client's own limit for an answer would end a long wait.
        const requestTimeout = (waitSeconds + 10) * 1000;
        const { Messages: messages = [] } = await sqs.send(new ReceiveMessageCommand(input), { abortSignal: signal, requestTimeout });
        return messages.map(({ MessageId: id = '', Body: body = '', ReceiptHandle: receipt = '' }) => ({ id, body, receipt }));
      } catch (error) {
        if (signal.aborted) return [];
        throw error;
      }
    },
    async acknowledge(receipts) {
      const deleteBatch = (batch: readonly string[]) =>
        sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: batch.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
          }),
        );
      await Promise.all(batchesOf(receipts).map(deleteBatch));
    },
  };
}

function batchesOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / serviceLimits.queueBatch) }, (_, index) =>
    items.slice(index * serviceLimits.queueBatch, (index + 1) * serviceLimits.queueBatch),
  );
}
