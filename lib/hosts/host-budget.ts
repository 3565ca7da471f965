/** Until when a host wants to be left alone, by credential: what one call is told holds for the next. */
import type { Clock } from '../core/clock.ts';
import { GitferryError } from '../core/errors.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** What is waited where a host names no time: GitHub's documentation asks for a minute at least. */
const unnamedWaitSeconds = 60;

/** One for each credential at a host; shared by all who use that credential. */
export class HostBudget {
  #heldUntil = 0;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Throws `rate_limited` without asking, while the host wants no requests. */
  check(host: string): void {
    const seconds = Math.ceil((this.#heldUntil - this.#clock.now()) / 1000);
    if (seconds > 0) throw rateLimited(host, seconds, '');
  }

  /** Learns from an answer. Throws `rate_limited` if the answer is one of that kind. */
  learn(host: string, status: number, headers: Headers, words: string): void {
    const isSpent = headers['x-ratelimit-remaining'] === '0' || headers['ratelimit-remaining'] === '0';
    // GitHub answers 403 to both of its limits: the primary one with nothing remaining, the secondary one with Retry-After or in words.
    const isForbidden = status === 403 && (isSpent || headers['retry-after'] !== undefined || /rate limit/i.test(words));
    const isLimited = status === 429 || isForbidden;
    if (!isLimited && !isSpent) return;
    const seconds = this.#wait(headers) ?? (isLimited ? unnamedWaitSeconds : 0);
    this.#heldUntil = Math.max(this.#heldUntil, this.#clock.now() + seconds * 1000);
    if (isLimited) throw rateLimited(host, seconds, words);
  }

  /** Seconds; undefined = it names none. Retry-After is a number or a date, the reset a time in seconds since 1970. */
  #wait(headers: Headers): number | undefined {
    const after = headers['retry-after'];
    if (after !== undefined) {
      const seconds = /^\d+$/.test(after) ? Number(after) : Math.ceil((Date.parse(after) - this.#clock.now()) / 1000);
      if (Number.isFinite(seconds)) return within(seconds);
    }
    const reset = Number(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset'] ?? '');
    return Number.isInteger(reset) && reset > 0 ? within(reset - Math.floor(this.#clock.now() / 1000)) : undefined;
  }
}

/** At least a second, and no longer than the hour in which these limits are counted: a wrong clock holds nobody up for ever. */
function within(seconds: number): number {
  return Math.min(Math.max(seconds, 1), 3600);
}

function rateLimited(host: string, seconds: number, words: string): GitferryError {
  return new GitferryError('rate_limited', { detail: `${host} asks to wait ${seconds} s`, words, retryAfterSeconds: seconds });
}
