/** What AWS does around the functions, on one machine: polls the queue for the worker, and ticks every minute. */
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../core/log.ts';

export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
}

export interface MessageSource {
  receive(options: {
    readonly waitSeconds: number;
    readonly max: number;
    readonly signal: AbortSignal;
  }): Promise<readonly ReceivedMessage[]>;
  acknowledge(receipts: readonly string[]): Promise<void>;
}

export interface EventSource {
  /** Takes nothing new, and resolves when what was begun has ended. */
  stop(): Promise<void>;
}

const waitSeconds = 20;
/** SQS hands over at most this many at once. */
const batchSize = 10;
const pauseAfterErrorMs = 1_000;
export interface Capacity {
  /** Messages in hand at once. */
  readonly most: number;
  /** How long to wait before one more is taken, because this process has its hands full: somebody waits for its answers. 0 = take what there is. */
  pauseMs(): number;
}

/**
 * Keeps up to `most` messages in hand, each given to `handle` by itself so that a long run keeps none waiting. A message is acknowledged when `handle`
 * resolves with true, and comes back after its visibility timeout otherwise.
 */
export function pollQueue(
  source: MessageSource,
  handle: (message: ReceivedMessage) => Promise<boolean>,
  { most, pauseMs }: Capacity,
  log: Log,
): EventSource {
  const stopping = new AbortController();
  const { signal } = stopping;
  const inHand = new Set<Promise<void>>();

  const take = async (message: ReceivedMessage): Promise<void> => {
    try {
      if (await handle(message)) await source.acknowledge([message.receipt]);
    } catch (error) {
      log.write('error', 'message_not_handled', { message_id: message.id, message: String(error) });
    }
  };
  const poll = async (): Promise<void> => {
    while (!signal.aborted) {
      if (inHand.size >= most) {
        await Promise.race(inHand);
        continue;
      }
      const waitMs = pauseMs();
      if (waitMs > 0) await pause(waitMs, signal);
      try {
        const max = waitMs > 0 ? 1 : Math.min(batchSize, most - inHand.size);
        for (const message of await source.receive({ waitSeconds, max, signal })) {
          const job: Promise<void> = take(message).finally(() => inHand.delete(job));
          inHand.add(job);
        }
      } catch (error) {
        if (signal.aborted) break;
        log.write('error', 'queue_not_reached', { message: String(error) });
        await pause(pauseAfterErrorMs, signal);
      }
    }
  };
  const polling = poll();
  return {
    async stop() {
      stopping.abort();
      await polling;
      await Promise.all(inHand);
    },
  };
}

/** Calls `tick` now and then every `periodMs`, never twice at once: a tick that takes longer leaves out the next. */
export function startTicking(tick: (time: number) => Promise<unknown>, periodMs: number, log: Log): EventSource {
  let current: Promise<unknown> | undefined;
  const run = (): void => {
    current ??= tick(Date.now())
      .catch((error: unknown) => log.write('error', 'tick_failed', { message: String(error) }))
      .finally(() => {
        current = undefined;
      });
  };
  run();
  const timer = setInterval(run, periodMs);
  return {
    async stop() {
      clearInterval(timer);
      await current;
    },
  };
}

/** Shorter where the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
