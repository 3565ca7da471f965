import { describe, expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../lib/core/log.ts';
import { type MessageSource, pollQueue, type ReceivedMessage, startTicking } from '../../lib/local/event-sources.ts';

const silent = createLog(() => {}, 'error');

/** A queue in memory that notes what was acknowledged. */
function queueOf(bodies: readonly string[]) {
  const waiting: ReceivedMessage[] = bodies.map((body) => ({ id: body, body, receipt: `r-${body}` }));
  const acknowledged: string[] = [];
  const asked: number[] = [];
  const source: MessageSource = {
    receive({ max, signal }) {
      asked.push(max);
      const messages = waiting.splice(0, max);
      if (messages.length > 0) return Promise.resolve(messages);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    },
    acknowledge: async (receipts) => void acknowledged.push(...receipts),
  };
  return { source, acknowledged, asked };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

describe('pollQueue', () => {
  it('acknowledges what was handled, and leaves the rest on the queue', async () => {
    const { source, acknowledged } = queueOf(['good', 'bad', 'broken']);
    let left = 3;
    let allHandled: () => void = () => {};
    const handled = new Promise<void>((resolve) => {
      allHandled = resolve;
    });
    const poller = pollQueue(
      source,
      async ({ body }) => {
        if (--left === 0) allHandled();
        if (body === 'broken') throw new Error('broken');
        return body === 'good';
      },
      { most: 5, pauseMs: () => 0 },
      silent,
    );
    await handled;
    await poller.stop();
    expect(acknowledged).toEqual(['r-good']);
  });

  it('leaves nothing behind by its pauses, however many there are', async () => {
    const warnings: string[] = [];
    const hear = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', hear);
    let polls = 0;
    const enough = new Promise<void>((resolve) => {
      const source: MessageSource = {
        receive: async () => {
          if (++polls === 30) resolve();
          return [];
        },
        acknowledge: async () => undefined,
      };
      const poller = pollQueue(source, async () => true, { most: 1, pauseMs: () => 1 }, silent);
      onTestFinished(() => poller.stop());
    });
    await enough;
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });

  it('has no more in hand than it may, and asks for no more', async () => {
    const { source, acknowledged, asked } = queueOf(names(30));
    let inHand = 0;
    let most = 0;
    let left = 30;
    let allHandled: () => void = () => {};
    const handled = new Promise<void>((resolve) => {
      allHandled = resolve;
    });
    const poller = pollQueue(
      source,
      async () => {
        most = Math.max(most, ++inHand);
        await new Promise((resolve) => setImmediate(resolve));
        inHand--;
        if (--left === 0) allHandled();
        return true;
      },
      { most: 4, pauseMs: () => 0 },
      silent,
    );
    await handled;
    await poller.stop();
    expect(most).toBe(4);
    expect(Math.max(...asked)).toBeLessThanOrEqual(4);
    expect(acknowledged).toHaveLength(30);
  });

  it('takes one at a time while it is told to wait, and as many as it may after that', async () => {
    const { source, asked } = queueOf(names(6));
    let waits = 2;
    let left = 6;
    let allHandled: () => void = () => {};
    const handled = new Promise<void>((resolve) => {
      allHandled = resolve;
    });
    const handle = async (): Promise<boolean> => {
      if (--left === 0) allHandled();
      return true;
    };
    const poller = pollQueue(source, handle, { most: 10, pauseMs: () => (waits-- > 0 ? 1 : 0) }, silent);
    await handled;
    await poller.stop();
    expect(asked.slice(0, 2)).toEqual([1, 1]);
    expect(asked[2]).toBeGreaterThan(1);
  });

  it('waits, when stopped, for what it has in hand', async () => {
    const { source, acknowledged } = queueOf(['slow']);
    let release: () => void = () => {};
    let begin: () => void = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const poller = pollQueue(
      source,
      async () => {
        begin();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return true;
      },
      { most: 1, pauseMs: () => 0 },
      silent,
    );
    await begun;
    const stopped = poller.stop();
    expect(acknowledged).toEqual([]);
    release();
    await stopped;
    expect(acknowledged).toEqual(['r-slow']);
  });
});

describe('startTicking', () => {
  it('ticks at once and again, never twice at a time, and goes on after a failure', async () => {
    let ticks = 0;
    let atOnce = 0;
    let fourTicks: () => void = () => {};
    const done = new Promise<void>((resolve) => {
      fourTicks = resolve;
    });
    const ticking = startTicking(
      async () => {
        expect(++atOnce).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        atOnce--;
        if (++ticks === 4) fourTicks();
        if (ticks === 2) throw new Error('a bad tick');
      },
      1,
      silent,
    );
    await done;
    await ticking.stop();
    const ended = ticks;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ticks).toBe(ended);
  });
});
