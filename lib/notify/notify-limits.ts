/** Every limit of telling people in one place, each with its reason. */
import type { BackoffRange } from '../core/backoff.ts';

const minute = 60_000;

export const notifyLimits = {
  /** One attempt: receivers that hold a connection open keep one place of the notifier busy for so long. */
  attemptMs: 20_000,
  /** Nobody else tries a delivery meanwhile; longer than an attempt with all that is read and written around it. */
  claimMs: 3 * minute,
  /** A message may come to a machine whose clock is behind that of the sender. */
  clockSkewMs: 5_000,
  /** 12 attempts with these waits go on for about a day: over a night and a receiver's outage. */
  attempts: 12,
  waits: { shortestMs: minute, longestMs: 4 * 60 * minute } satisfies BackoffRange,
  /** What is shown of an answer. More may be a page, and nobody reads it here. */
  answerCharacters: 300,
  answerBytes: 4 * 1024,
  /** Events of one message: chat rooms cut longer ones, and a digest is for reading. */
  digestEvents: 50,
  /** A notice of a host whose change was never written was left by a process that died. A write takes seconds. */
  unnotedMs: 10 * minute,
  /** Slack cuts a text at 40,000 characters, Discord refuses more than 2,000. */
  chatCharacters: 1_900,
  /** All channels of an instance are read for each notice. */
  channels: 200,
} as const;
