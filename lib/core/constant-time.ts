/** The one comparison for secrets and proofs: how long it takes says nothing about how much of a guess is right. */
import { timingSafeEqual } from 'node:crypto';

/** Texts are compared as UTF-8. Of different lengths nothing is compared: a length is no secret here. */
export function isEqualInConstantTime(one: string | Uint8Array, other: string | Uint8Array): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
