/** Random values of Git's wire messages for property tests, and bytes that are almost right. */
import fc from 'fast-check';
import { type ObjectFormat, oidLength } from '../../lib/git/object-id.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';

export const objectFormat: fc.Arbitrary<ObjectFormat> = fc.constantFrom('sha1', 'sha256');

export function oid(format: ObjectFormat): fc.Arbitrary<string> {
  const length = oidLength[format];
  // Never the id of zeros, which stands for "nothing".
  return fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length - 1, maxLength: length - 1 })
    .map((digits) => `${digits.join('')}a`);
}

/** Names that git accepts, some of them not ASCII. */
export const refName: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('refs/heads/', 'refs/tags/', 'refs/merge-requests/'),
    fc.array(fc.constantFrom(...'abcXYZ019_-', 'é', '日', '🚢', 'peeled', 'ACK'), { minLength: 1, maxLength: 20 }),
  )
  .map(([prefix, letters]) => prefix + letters.join(''));

/** Bytes of any kind, of pkt-lines with any data, and of a right message with one byte changed, cut or added. */
export function hostile(right: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value));
  const packets = fc
    .array(fc.oneof(bytes.map(encodePkt), fc.constantFrom(flushPkt, Buffer.from('0001'), Buffer.from('0002'))), { maxLength: 8 })
    .map((parts) => Buffer.concat(parts));
  const spoilt = fc
    .tuple(right, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('change', 'cut', 'add'))
    .map(([message, position, byte, how]) => {
      const at = message.length === 0 ? 0 : position % message.length;
      if (how === 'cut') return message.subarray(0, at);
      const rest = message.subarray(how === 'change' ? at + 1 : at);
      return Buffer.concat([message.subarray(0, at), Buffer.from([byte]), rest]);
    });
  return fc.oneof(bytes, packets, { weight: 3, arbitrary: spoilt });
}
