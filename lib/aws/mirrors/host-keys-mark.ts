/** A mark of host keys for conditions: lists are not compared by every endpoint. Items whose keys were never changed have none. */
import { createHash } from 'node:crypto';

export function hostKeysMark(hostKeys: readonly string[]): string {
  return createHash('sha256').update(hostKeys.join('\n')).digest('base64url');
}
