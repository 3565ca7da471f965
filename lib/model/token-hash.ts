/** How tokens are kept and looked up: by their SHA-256. They are long and random, so a plain hash is enough, and a look-up by it takes the same time for all. */
import { createHash } from 'node:crypto';

/** Hexadecimal. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
