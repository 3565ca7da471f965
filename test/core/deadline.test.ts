import { describe, expect, it } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError } from '../../lib/core/errors.ts';

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));
}

describe('a deadline', () => {
  it('aborts with its code when the time is up', async () => {
    const deadline = createDeadline(1);
    const keepsAwake = setTimeout(() => {}, 60_000);
    expect(await aborted(deadline.signal)).toMatchObject({ code: 'deadline_exceeded' });
    clearTimeout(keepsAwake);
    expect(deadline.remainingMs()).toBe(0);
  });

  it('counts down and never below zero', () => {
    const deadline = createDeadline(60_000);
    expect(deadline.remainingMs()).toBeGreaterThan(50_000);
    expect(deadline.remainingMs()).toBeLessThanOrEqual(60_000);
    deadline.clear();
    expect(createDeadline(-5).remainingMs()).toBe(0);
  });

  it('passes on the reason of whoever ends it early', () => {
    const deadline = createDeadline(60_000);
    deadline.abort(new GitferryError('run_interrupted'));
    expect(deadline.signal.reason).toMatchObject({ code: 'run_interrupted', disposition: 'retry' });
    expect(deadline.remainingMs()).toBe(0);
    deadline.clear();
  });
});
