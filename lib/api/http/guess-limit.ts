/** Slows down who guesses tokens, sender by sender: nobody else is kept out, no answer is held back, and what is remembered has a fixed size. */
import { createHash, randomBytes } from 'node:crypto';
import { limits } from '../../core/limits.ts';

/** Of one process; on Lambda each has its own. Times in milliseconds since 1970. */
export interface GuessLimit {
  /** How long this sender has to wait before a token is looked up for it; 0 = not at all. A token that was right lately is always looked up. */
  waitMs(sender: string, tokenHash: string, now: number): number;
  wrong(sender: string, tokenHash: string, now: number): void;
  right(tokenHash: string): void;
}

export function createGuessLimit(): GuessLimit {
  // Senders fall into buckets by a secret hash. A bucket holds the time at which all of its wrong tokens are forgotten (generic cell rate algorithm).
  const salt = randomBytes(16);
  const forgottenAt = new Float64Array(limits.guessBuckets);
  const bucketOf = (sender: string): number =>
    createHash('sha256').update(salt).update(sender).digest().readUInt32BE(0) % forgottenAt.length;
  const lately = new Set<string>();
  return {
    waitMs(sender, tokenHash, now) {
      if (lately.has(tokenHash)) return 0;
      const full = now + limits.guessBurst * limits.guessMs;
      return Math.max(0, (forgottenAt[bucketOf(sender)] ?? 0) + limits.guessMs - full);
    },
    wrong(sender, tokenHash, now) {
      lately.delete(tokenHash);
      const bucket = bucketOf(sender);
      forgottenAt[bucket] = Math.max(forgottenAt[bucket] ?? 0, now) + limits.guessMs;
    },
    right(tokenHash) {
      lately.delete(tokenHash);
      lately.add(tokenHash);
      const [oldest] = lately;
      if (lately.size > limits.guessKnownTokens && oldest !== undefined) lately.delete(oldest);
    },
  };
}

/** Who sent a request, for people to read: whole, as the last proxy before us saw it; null = no proxy says. */
export function addressOf(headers: Headers): string | null {
  const address = headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() ?? '';
  return /^[0-9a-fA-F.:%]{2,64}$/.test(address) ? address : null;
}

/**
 * Who sent a request, as the last proxy before us saw it (API Gateway adds it, others have to): what a sender itself writes into the header stands before
 * that. IPv6 by its first 64 bits: one sender has all the rest. Empty for who asks directly.
 */
export function senderOf(headers: Headers): string {
  const address = headers.get('x-forwarded-for')?.split(',').at(-1)?.trim().toLowerCase() ?? '';
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('::');
  const groups = before.split(':').filter(Boolean);
  const rest = after?.split(':').filter(Boolean) ?? [];
  const zeros = after === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...rest].map((group) => group.replace(/^0+(?=.)/, ''));
  return all.slice(0, 4).join(':');
}
