/** The queue of notices on SQS: wake-ups for the notifier, in batches. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { serviceLimits } from '../core/service-limits.ts';
import type { NoticeKey } from '../model/notice.ts';
import { encodeNoticeKey } from '../model/notice-message.ts';
import type { JobQueueDeps } from './job-queue.ts';
import { kindOf } from './table/storage-error.ts';

/** Never rejects: what could not be sent, the tick sends. Without a URL there is nobody to wake. */
export function createNoticeQueue({ sqs, queueUrl, log }: Omit<JobQueueDeps, 'queueUrl'> & { readonly queueUrl: string | undefined }): {
  send(keys: readonly NoticeKey[]): Promise<void>;
} {
  return {
    async send(keys) {
      if (queueUrl === undefined) return;
      for (let from = 0; from < keys.length; from += serviceLimits.queueBatch) {
        const batch = keys.slice(from, from + serviceLimits.queueBatch);
        try {
          const Entries = batch.map((key, index) => ({ Id: String(index), MessageBody: encodeNoticeKey(key) }));
          const { Failed: failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
          if (failed.length > 0) log.write('warn', 'notices_not_woken', { count: failed.length, kind: failed[0]?.Code });
        } catch (error) {
          log.write('warn', 'notices_not_woken', { count: batch.length, kind: error instanceof Error ? kindOf(error) : 'unknown' });
        }
      }
    },
  };
}
