import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ObjectFormat, oidLength } from '../../../lib/git/object-id.ts';
import { type Pkt, pktText } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { encodePushRequest, type PushCommand, type PushRequest } from '../../../lib/git/wire/push-request.ts';
import { cut, pieceSizes, readAll } from '../../support/byte-streams.ts';
import { objectFormat, oid, refName } from '../../support/wire-arbitraries.ts';

const request: fc.Arbitrary<PushRequest> = objectFormat.chain((format) =>
  fc.record({
    objectFormat: fc.constant(format),
    capabilities: fc.constantFrom<string[]>([], ['report-status'], ['report-status', 'side-band-64k', 'agent=x']),
    commands: fc.array(fc.record({ ref: refName, old: fc.option(oid(format)), new: fc.option(oid(format)) }), {
      minLength: 1,
      maxLength: 10,
    }),
  }),
);

/** As git-receive-pack reads it, builtin/receive-pack.c read_head_info. */
async function decoded(reader: PktReader, format: ObjectFormat) {
  const length = oidLength[format];
  const commands: PushCommand[] = [];
  let capabilities: string[] = [];
  const value = (text: string): string | null => (/^0+$/.test(text) ? null : text);
  for (let pkt: Pkt = await reader.read(); Buffer.isBuffer(pkt); pkt = await reader.read()) {
    const [line = '', words] = pktText(pkt).split('\0');
    if (words !== undefined) capabilities = words.split(' ').filter(Boolean);
    commands.push({
      ref: line.slice(2 * length + 2),
      old: value(line.slice(0, length)),
      new: value(line.slice(length + 1, 2 * length + 1)),
    });
  }
  return { commands, capabilities, objectFormat: format };
}

describe('a push request', () => {
  it('is read by git-receive-pack as it was meant, and the pack behind it is whole', async () => {
    await fc.assert(
      fc.asyncProperty(request, pieceSizes, async (given, sizes) => {
        const bytes = Buffer.concat([encodePushRequest(given), Buffer.from('PACK')]);
        const reader = new PktReader(cut(bytes, sizes), { maxBytes: 100_000, truncatedCode: 'protocol_error' });
        expect(await decoded(reader, given.objectFormat)).toEqual(given);
        expect((await readAll(reader.rest())).toString()).toBe('PACK');
      }),
    );
  });
});
