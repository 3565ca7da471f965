/** How much time is left for a run, as an AbortSignal and as milliseconds; every network wait derives from one. */
import { GitferryError } from './errors.ts';

export interface Deadline {
  /** Aborts with a GitferryError (`deadline_exceeded`, or what `abort` was given). */
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** A signal for one wait: whichever comes first, the end of the run or `ms` from now (`timed_out`). The caller calls `done` when the wait is over. */
  wait(ms: number, what: string): { readonly signal: AbortSignal; done(): void };
  abort(reason: GitferryError): void;
  /** Lets go of the timer. */
  clear(): void;
}

/** A deadline `ms` milliseconds from now, on the monotonic clock. */
export function createDeadline(ms: number): Deadline {
  const end = performance.now() + ms;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new GitferryError('deadline_exceeded')), Math.min(ms, 0x7fffffff));
  timer.unref();
  return {
    signal: controller.signal,
    remainingMs: () => Math.max(0, end - performance.now()),
    wait(waitMs, what) {
      const wait = new AbortController();
      const onAbort = (): void => wait.abort(controller.signal.reason);
      if (controller.signal.aborted) onAbort();
      else controller.signal.addEventListener('abort', onAbort, { once: true });
      const waitTimer = setTimeout(() => wait.abort(new GitferryError('timed_out', { detail: what })), waitMs);
      waitTimer.unref();
      return {
        signal: wait.signal,
        done() {
          clearTimeout(waitTimer);
          controller.signal.removeEventListener('abort', onAbort);
        },
      };
    },
    abort: (reason) => controller.abort(reason),
    clear: () => clearTimeout(timer),
  };
}
