/** The pack without objects that a push carries when the target has everything already. */
import { createHash } from 'node:crypto';
import type { ObjectFormat } from '../object-id.ts';

export function emptyPack(format: ObjectFormat): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK', 0, 'latin1');
  header.writeUInt32BE(2, 4);
  return Buffer.concat([header, createHash(format).update(header).digest()]);
}
