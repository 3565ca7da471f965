/** What is sent to a channel, and what the other side says. */
import type { NoticeEvent } from '../published-event.ts';

export interface Message {
  /** The idempotency key: the same for every attempt. */
  readonly id: string;
  /** Of this attempt. */
  readonly at: number;
  /** At least one, the oldest first. */
  readonly events: readonly NoticeEvent[];
  /** Events of the same time that are left out. */
  readonly more: number;
}

/** What the other side said. */
export interface ChannelAnswer {
  readonly ok: boolean;
  readonly words: string;
  readonly retryAfterSeconds?: number;
  /** The receiver is gone: there is no sense in another attempt. */
  readonly isFinal?: boolean;
}
