import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Capabilities } from '../../lib/git/wire/capabilities.ts';
import { HeldEnd, refusesHalfPacks } from '../../lib/mirror/held-end.ts';

const longMs = { heldMs: 60_000, givenUpMs: 60_000 };

describe('the end of a push', () => {
  it.each(['before', 'while'])('is let go %s somebody waits for it', async (when) => {
    const end = new HeldEnd(longMs);
    if (when === 'before') end.letGo();
    const waiting = end.wait();
    end.letGo();
    await waiting;
    expect(end.signal.aborted).toBe(false);
  });

  it.each(['before', 'while'])('is given up %s somebody waits for it, and not let go any more', async (when) => {
    const end = new HeldEnd(longMs);
    if (when === 'before') end.giveUp();
    const waiting = end.wait();
    end.giveUp();
    end.letGo();
    await expect(waiting).rejects.toBe(end.signal.reason);
    await expect(end.wait()).rejects.toBe(end.signal.reason);
  });

  it('is not given up any more when it was let go', async () => {
    const end = new HeldEnd(longMs);
    end.letGo();
    end.giveUp();
    await end.wait();
    expect(end.signal.aborted).toBe(false);
  });

  it('is given up when it has been waited for too long, and not before somebody waits', async () => {
    const end = new HeldEnd({ ...longMs, heldMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(end.signal.aborted).toBe(false);
    await expect(end.wait()).rejects.toMatchObject({ code: 'timed_out' });
    expect(end.signal.aborted).toBe(true);
  });

  it.each(['letGo', 'giveUp'] as const)('leaves no timer behind after %s, when the push has ended', async (how) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const end = new HeldEnd(longMs);
    const waiting = end.wait().catch(() => {});
    end[how]();
    await waiting;
    end.settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is cut off some time after it was given up, unless the push has ended', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const [silent, over] = [new HeldEnd(longMs), new HeldEnd(longMs)];
    for (const end of [silent, over]) end.giveUp();
    over.settle();
    vi.advanceTimersByTime(longMs.givenUpMs - 1);
    expect([silent.cutOff.aborted, over.cutOff.aborted]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([silent.cutOff.aborted, over.cutOff.aborted]).toEqual([true, false]);
  });
});

it.each([
  ['agent=git/2.39.5', true],
  ['agent=git/github-5f3a1c', true],
  ['agent=JGit/v6.7.0', true],
  ['agent=dulwich/0.21.2', false],
  ['agent=gitless/1', false],
  ['report-status', false],
])('A target that announces %s is begun to be pushed to: %s', (capability, begins) => {
  expect(refusesHalfPacks(new Capabilities([capability]))).toBe(begins);
});
