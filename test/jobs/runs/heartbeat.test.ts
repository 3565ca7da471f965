import { describe, expect, it } from 'vitest';
import { startHeartbeat } from '../../../lib/jobs/runs/heartbeat.ts';

const never = () => {
  throw new Error('not expected');
};

describe('a heartbeat', () => {
  it('beats again and again until it is stopped', async () => {
    let beats = 0;
    await new Promise<void>((resolve) => {
      const heartbeat = startHeartbeat(
        {
          renew: async () => true,
          onBeat: () => {
            if (++beats === 3) void heartbeat.stop().then(resolve);
          },
          onLost: never,
        },
        { beatMs: 5, giveUpMs: 60_000 },
      );
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(beats).toBe(3);
  });

  it('says once that somebody else has the lease', async () => {
    let losses = 0;
    const heartbeat = await new Promise<ReturnType<typeof startHeartbeat>>((resolve) => {
      const started = startHeartbeat(
        {
          renew: async () => false,
          onBeat: never,
          onLost: () => {
            losses++;
            resolve(started);
          },
        },
        { beatMs: 5, giveUpMs: 20 },
      );
    });
    expect(heartbeat.isLost).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(losses).toBe(1);
    await heartbeat.stop();
  });

  it.each<[string, () => Promise<boolean>]>([
    ['fails', () => Promise.reject(new Error('unreachable'))],
    ['never ends', () => new Promise(() => {})],
  ])('gives up where renewing %s', async (_, renew) => {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      startHeartbeat({ renew, onBeat: never, onLost: resolve }, { beatMs: 8, giveUpMs: 80 });
    });
    expect(performance.now() - started).toBeGreaterThanOrEqual(70);
  });

  it('sends the next beat on time although the answers are slow', async () => {
    const sent: number[] = [];
    const answerMs = 60;
    await new Promise<void>((resolve) => {
      const heartbeat = startHeartbeat(
        {
          renew: () => {
            sent.push(performance.now());
            return new Promise((answer) => setTimeout(() => answer(true), answerMs));
          },
          onBeat: () => {
            if (sent.length === 4) void heartbeat.stop().then(resolve);
          },
          onLost: never,
        },
        { beatMs: answerMs, giveUpMs: 60_000 },
      );
    });
    // A beat that waited for its whole interval after an answer would take twice as long.
    const gaps = sent.slice(1).map((at, index) => at - (sent[index] ?? 0));
    expect(Math.min(...gaps)).toBeLessThan(answerMs * 1.7);
  });

  it('survives a short outage', async () => {
    let calls = 0;
    await new Promise<void>((resolve) => {
      const heartbeat = startHeartbeat(
        {
          renew: () => (++calls < 4 ? Promise.reject(new Error('unreachable')) : Promise.resolve(true)),
          onBeat: () => void heartbeat.stop().then(resolve),
          onLost: never,
        },
        { beatMs: 8, giveUpMs: 60_000 },
      );
    });
    expect(calls).toBe(4);
  });

  it('is at rest when stop resolves', async () => {
    let isRenewing = false;
    let finish: (renewed: boolean) => void = () => {};
    const begun = new Promise<void>((resolve) => {
      const heartbeat = startHeartbeat(
        {
          renew: () => {
            isRenewing = true;
            resolve();
            return new Promise((done) => {
              finish = (renewed) => {
                isRenewing = false;
                done(renewed);
              };
            });
          },
          onBeat: never,
          onLost: never,
        },
        { beatMs: 1, giveUpMs: 60_000 },
      );
      stop = () => heartbeat.stop();
    });
    await begun;
    const stopped = stop();
    finish(false);
    await stopped;
    expect(isRenewing).toBe(false);
  });
});

let stop: () => Promise<void> = async () => {};
