/** How much time is left for a run, as an AbortSignal and as milliseconds; every network wait derives from one. */
import { setMaxListeners } from 'node:events';
import { GitferryError } from './errors.ts';

export interface Deadline {
  /** Aborts with a GitferryError (`deadline_exceeded`, or what `abort` was given). */
  readonly signal: AbortSignal;
  remainingMs(): number;
  abort(reason: GitferryError): void;
  /** Lets go of the timer. */
  clear(): void;
}

/** A deadline `ms` milliseconds from now, on the monotonic clock. */
export function createDeadline(ms: number): Deadline {
  const end = performance.now() + ms;
  const controller = new AbortController();
  // Every connection and wait of a run listens while it lasts: many are no leak.
  setMaxListeners(0, controller.signal);
  const timer = setTimeout(() => controller.abort(new GitferryError('deadline_exceeded')), Math.min(ms, 0x7fffffff));
  timer.unref();
  return {
    signal: controller.signal,
    // A timer may come a fraction of a millisecond early.
    remainingMs: () => (controller.signal.aborted ? 0 : Math.max(0, end - performance.now())),
    abort: (reason) => controller.abort(reason),
    clear: () => clearTimeout(timer),
  };
}
