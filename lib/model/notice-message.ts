/** The message on the queue of notices: only a wake-up; the table is the truth. */
import type { NoticeKey } from './notice.ts';
import { objectOf } from './queue-message.ts';

export function encodeNoticeKey(key: NoticeKey): string {
  return JSON.stringify(key);
}

/** undefined if the text is not a message of ours. */
export function parseNoticeKey(text: string): NoticeKey | undefined {
  const value = objectOf(text);
  if (value === undefined) return undefined;
  const { notice, channel, delivery, ...rest } = value;
  if (Object.keys(rest).length > 0) return undefined;
  if (typeof notice === 'string' && channel === undefined && delivery === undefined) return { notice };
  const isDelivery = notice === undefined && Number.isSafeInteger(channel) && typeof channel === 'number' && typeof delivery === 'string';
  return isDelivery ? { channel, delivery } : undefined;
}
