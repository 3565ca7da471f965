import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectFormat } from '../../../lib/git/object-id.ts';
import { type FetchResponse, parseFetchResponseV0, parseFetchResponseV2 } from '../../../lib/git/wire/fetch-response.ts';
import { delimPkt, encodePkt, flushPkt } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { codeOf, cut, pieceSizes, readAll, settled } from '../../support/byte-streams.ts';
import { hostile, objectFormat, oid } from '../../support/wire-arbitraries.ts';

const options = { maxBytes: 1_000_000, truncatedCode: 'pack_truncated' } as const;
const pack = Buffer.from('what follows is the pack');

type Version = 'v2' | { readonly deepened: boolean; readonly done: boolean };

/** The response, and what is left in the stream for the pack. */
async function parse(version: Version, bytes: Uint8Array, format: ObjectFormat, sizes?: readonly number[]) {
  const reader = new PktReader(cut(bytes, sizes), options);
  const response: FetchResponse =
    version === 'v2' ? await parseFetchResponseV2(reader, format) : await parseFetchResponseV0(reader, { format, ...version });
  const rest = response.packFollows ? (await readAll(reader.rest())).toString('latin1') : '';
  return { acknowledged: [...response.acknowledged], shallows: response.shallows, packFollows: response.packFollows, rest };
}

interface Given {
  readonly format: ObjectFormat;
  readonly acknowledged: readonly string[];
  readonly shallows: readonly string[];
  readonly packFollows: boolean;
}

const given: fc.Arbitrary<Given> = objectFormat.chain((format) =>
  fc.record({
    format: fc.constant(format),
    acknowledged: fc.uniqueArray(oid(format), { maxLength: 6 }),
    shallows: fc.array(oid(format), { maxLength: 4 }),
    packFollows: fc.boolean(),
  }),
);

/** gitprotocol-v2(5), output of fetch. */
function encodeV2({ acknowledged, shallows, packFollows }: Given): Buffer {
  const sections: Buffer[][] = [];
  if (acknowledged.length > 0 || !packFollows) {
    const lines = acknowledged.length === 0 ? ['NAK\n'] : acknowledged.map((value) => `ACK ${value}\n`);
    sections.push([
      encodePkt('acknowledgments\n'),
      ...lines.map((line) => encodePkt(line)),
      ...(packFollows ? [encodePkt('ready\n')] : []),
    ]);
  }
  if (shallows.length > 0) sections.push([encodePkt('shallow-info\n'), ...shallows.map((value) => encodePkt(`shallow ${value}`))]);
  if (packFollows) sections.push([encodePkt('packfile\n')]);
  const joined = sections.flatMap((section, index) => (index === 0 ? section : [delimPkt, ...section]));
  return Buffer.concat([...joined, ...(packFollows ? [pack] : [flushPkt])]);
}

/** gitprotocol-pack(5), with multi_ack_detailed. */
function encodeV0({ acknowledged, shallows }: Given, { deepened, done }: { deepened: boolean; done: boolean }): Buffer {
  return Buffer.concat([
    ...(deepened ? [...shallows.map((value) => encodePkt(`shallow ${value}`)), flushPkt] : []),
    ...acknowledged.map((value) => encodePkt(`ACK ${value} common\n`)),
    encodePkt(done && acknowledged.length > 0 ? `ACK ${acknowledged.at(-1)}\n` : 'NAK\n'),
    ...(done ? [pack] : []),
  ]);
}

describe('the answer to a fetch in protocol v2', () => {
  it('comes out as it was sent, and the pack is left whole, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(given, pieceSizes, async (value, sizes) => {
        const { format, ...expected } = value;
        const rest = value.packFollows ? pack.toString('latin1') : '';
        expect(await parse('v2', encodeV2(value), format, sizes)).toEqual({ ...expected, rest });
      }),
    );
  });

  it('may end with a delimiter between sections that have nothing to say', async () => {
    const bytes = Buffer.concat([
      encodePkt('acknowledgments\n'),
      delimPkt,
      encodePkt('shallow-info\n'),
      delimPkt,
      encodePkt('packfile\n'),
      pack,
    ]);
    expect(await parse('v2', bytes, 'sha1')).toMatchObject({ packFollows: true, rest: pack.toString('latin1') });
  });
});

describe('the answer to a fetch in protocol v0', () => {
  it('comes out as it was sent, and the pack is left whole, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(given, fc.boolean(), fc.boolean(), pieceSizes, async (value, deepened, done, sizes) => {
        expect(await parse({ deepened, done }, encodeV0(value, { deepened, done }), value.format, sizes)).toEqual({
          acknowledged: value.acknowledged,
          shallows: deepened ? value.shallows : [],
          packFollows: done,
          rest: done ? pack.toString('latin1') : '',
        });
      }),
    );
  });

  it('without done may end without a word', async () => {
    expect(await parse({ deepened: false, done: false }, Buffer.alloc(0), 'sha1')).toMatchObject({ packFollows: false });
  });
});

describe('anything else', () => {
  const versions: readonly Version[] = [
    'v2',
    { deepened: false, done: true },
    { deepened: true, done: true },
    { deepened: false, done: false },
  ];

  it.each(versions.map((version) => [JSON.stringify(version), version] as const))(
    'in %s is a coded error or an answer, the same however it is cut',
    async (_, version) => {
      const right = given.map((value) => (version === 'v2' ? encodeV2(value) : encodeV0(value, version)));
      await fc.assert(
        fc.asyncProperty(hostile(right), objectFormat, pieceSizes, async (bytes, format, sizes) => {
          const whole = await settled(parse(version, bytes, format));
          expect(await settled(parse(version, bytes, format, sizes))).toEqual(whole);
          if ('code' in whole) expect(['protocol_error', 'pack_truncated', 'remote_error']).toContain(whole.code);
        }),
        { numRuns: 300 },
      );
    },
  );

  const id = 'a'.repeat(40);
  const v0 = { deepened: false, done: true };
  it.each<[string, Version, Buffer[], string]>([
    ['nothing in v2', 'v2', [], 'pack_truncated'],
    ['nothing in v0', v0, [], 'pack_truncated'],
    ['an unknown section', 'v2', [encodePkt('wanted-something\n')], 'protocol_error'],
    ['a delimiter first', 'v2', [delimPkt], 'protocol_error'],
    ['a bad object id', 'v2', [encodePkt('acknowledgments\n'), encodePkt('ACK 123\n')], 'protocol_error'],
    ['a section that is cut', 'v2', [encodePkt('acknowledgments\n'), encodePkt(`ACK ${id}\n`)], 'pack_truncated'],
    ['ERR in v2', 'v2', [encodePkt('ERR upload-pack: not our ref')], 'remote_error'],
    ['ERR in a section', 'v2', [encodePkt('acknowledgments\n'), encodePkt('ERR no')], 'remote_error'],
    ['ERR in v0', v0, [encodePkt('ERR upload-pack: not our ref')], 'remote_error'],
    ['ERR in v0 without done', { deepened: false, done: false }, [encodePkt('ERR upload-pack: not our ref')], 'remote_error'],
    ['another word in v0', v0, [encodePkt('SYN x')], 'protocol_error'],
    ['a bad object id in v0', v0, [encodePkt('ACK x')], 'protocol_error'],
    ['a mark in v0', v0, [delimPkt], 'protocol_error'],
    ['a giant packet', 'v2', [Buffer.from('ffff')], 'protocol_error'],
  ])('%s ends with a code', async (_, version, parts, code) => {
    expect(await codeOf(parse(version, Buffer.concat(parts), 'sha1', [5]))).toBe(code);
  });
});
