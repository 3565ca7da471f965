import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../lib/core/limits.ts';
import { zeroOid } from '../../../lib/git/object-id.ts';
import { type AdvertisedRef, type Advertisement, parseAdvertisement } from '../../../lib/git/wire/advertisement.ts';
import { encodePkt, flushPkt } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { codeOf, cut, pieceSizes, settled } from '../../support/byte-streams.ts';
import { hostile, objectFormat, oid, refName } from '../../support/wire-arbitraries.ts';

const options = { maxBytes: 1_000_000, truncatedCode: 'protocol_error' } as const;

function parse(bytes: Uint8Array, sizes?: readonly number[]): Promise<Advertisement> {
  return parseAdvertisement(new PktReader(cut(bytes, sizes), options));
}

/** What can be compared: capabilities have no fields to see. */
function facts(advertisement: Advertisement, asked: readonly string[] = []) {
  const { capabilities, ...rest } = advertisement;
  return { ...rest, capabilities: asked.map((name) => capabilities.values(name)) };
}

interface List {
  readonly version: 0 | 1;
  readonly format: 'sha1' | 'sha256';
  readonly refs: readonly AdvertisedRef[];
  readonly extraHaves: readonly string[];
  readonly shallows: readonly string[];
  readonly symref: number;
  readonly serviceLine: boolean;
  readonly lineFeeds: boolean;
}

const list: fc.Arbitrary<List> = objectFormat.chain((format) =>
  fc.record({
    version: fc.constantFrom<0 | 1>(0, 1),
    format: fc.constant(format),
    refs: fc.uniqueArray(
      fc.oneof(fc.record({ oid: oid(format), name: refName }), fc.record({ oid: oid(format), name: refName, peeled: oid(format) })),
      { maxLength: 12, selector: ({ name }) => name },
    ),
    extraHaves: fc.array(oid(format), { maxLength: 3 }),
    shallows: fc.array(oid(format), { maxLength: 3 }),
    symref: fc.nat(20),
    serviceLine: fc.boolean(),
    lineFeeds: fc.boolean(),
  }),
);

/** What git-upload-pack and git-receive-pack send, gitprotocol-pack(5) "Reference Discovery". */
function encodeList({ version, format, refs, extraHaves, shallows, symref, serviceLine, lineFeeds }: List): Buffer {
  const symrefName = refs[symref]?.name;
  const words = ['report-status', 'ofs-delta', `object-format=${format}`, 'agent=git/2.39.5'];
  if (symrefName !== undefined) words.push(`symref=${symrefName}:refs/heads/elsewhere`);
  const lines = refs.flatMap((ref) => [`${ref.oid} ${ref.name}`, ...(ref.peeled === undefined ? [] : [`${ref.peeled} ${ref.name}^{}`])]);
  lines.push(...extraHaves.map((value) => `${value} .have`));
  if (lines.length === 0) lines.push(`${zeroOid(format)} capabilities^{}`);
  lines[0] += `\0${words.join(' ')}`;
  lines.push(...shallows.map((value) => `shallow ${value}`));
  if (version === 1) lines.unshift('version 1');
  const end = lineFeeds ? '\n' : '';
  return Buffer.concat([
    ...(serviceLine ? [encodePkt('# service=git-upload-pack\n'), flushPkt] : []),
    ...lines.map((line) => encodePkt(line + end)),
    flushPkt,
  ]);
}

const v2: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom('sha1', 'sha256'),
    fc.array(fc.constantFrom('ls-refs=unborn', 'server-option', 'fetch=shallow filter')),
  )
  .map(([serviceLine, format, words]) =>
    Buffer.concat([
      ...(serviceLine ? [encodePkt('# service=git-upload-pack\n'), flushPkt] : []),
      ...['version 2\n', 'agent=git/2.39.5\n', ...words, `object-format=${format}\n`].map((line) => encodePkt(line)),
      flushPkt,
    ]),
  );

describe('the refs of protocol v0 and v1', () => {
  it('come out as they were advertised, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(list, pieceSizes, async (given, sizes) => {
        const { version, format, refs, extraHaves, shallows } = given;
        expect(facts(await parse(encodeList(given), sizes), ['agent', 'ofs-delta', 'thin-pack'])).toEqual({
          version,
          objectFormat: format,
          refs: refs.map((ref, index) => (index === given.symref ? { ...ref, symrefTarget: 'refs/heads/elsewhere' } : ref)),
          impossible: new Set(),
          extraHaves,
          shallows,
          capabilities: [['git/2.39.5'], [''], []],
        });
      }),
    );
  });

  it('may be none: an empty repository says so with capabilities, a flush packet or nothing', async () => {
    const capabilities = encodePkt(`${zeroOid('sha256')} capabilities^{}\0object-format=sha256\n`);
    expect(facts(await parse(Buffer.concat([capabilities, flushPkt])))).toMatchObject({ objectFormat: 'sha256', refs: [] });
    expect(facts(await parse(flushPkt))).toMatchObject({ version: 0, objectFormat: 'sha1', refs: [] });
    const service = Buffer.concat([encodePkt('# service=git-receive-pack\n'), flushPkt]);
    expect(facts(await parse(service))).toMatchObject({ version: 0, refs: [] });
  });

  it.each([
    ['all zeros', zeroOid('sha1')],
    ['too short', 'a'.repeat(39)],
    ['too long', 'a'.repeat(41)],
    ['in upper case', 'A'.repeat(40)],
    ['no number', 'é'.repeat(40)],
  ])('are named apart where their value is %s', async (_, value) => {
    const good = 'a'.repeat(40);
    const lines = [`${value} refs/heads/x\0ofs-delta`, `${good} refs/heads/y`, `${value} .have`, `${value} refs/heads/y^{}`];
    const read = facts(await parse(Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt])));
    expect(read).toMatchObject({ refs: [{ oid: good, name: 'refs/heads/y' }], extraHaves: [], impossible: new Set(['refs/heads/x']) });
  });
});

describe('what a target says beside its refs is bounded', () => {
  const oids = (count: number) => Array.from({ length: count }, (_, index) => index.toString(16).padStart(40, 'a'));
  const listOf = (lines: readonly string[]) =>
    Buffer.concat([encodePkt(`${'a'.repeat(40)} refs/heads/x\0ofs-delta`), ...lines.map((line) => encodePkt(line)), flushPkt]);
  const parseAll = (bytes: Buffer) => parseAdvertisement(new PktReader(cut(bytes), { ...options, maxBytes: 1e8 }));

  it('the first objects that it has through others are enough', async () => {
    const all = oids(limits.extraHaves + 5);
    const read = await parseAll(listOf(all.map((oid) => `${oid} .have`)));
    expect(read).toMatchObject({ extraHaves: all.slice(0, limits.extraHaves), refs: [{ name: 'refs/heads/x' }] });
  });

  it('one that is shallow at more commits than go into a request is refused', async () => {
    const all = oids(limits.shallowCommits + 1).map((oid) => `shallow ${oid}`);
    expect(await parseAll(listOf(all.slice(1)))).toMatchObject({ shallows: { length: limits.shallowCommits } });
    expect(await codeOf(parseAll(listOf(all)))).toBe('protocol_error');
  });
});

describe('the capabilities of protocol v2', () => {
  it('are read to the flush packet, and a command says what it can do', async () => {
    const words = ['version 2', 'agent=git/2.39.5', 'ls-refs=unborn', 'fetch=shallow wait-for-done filter', 'object-format=sha256'];
    const advertisement = await parse(Buffer.concat([...words.map((word) => encodePkt(`${word}\n`)), flushPkt]), [3]);
    expect(advertisement.version).toBe(2);
    expect(advertisement.objectFormat).toBe('sha256');
    const { capabilities } = advertisement;
    expect(['filter', 'shallow', 'filt', 'sideband-all'].map((feature) => capabilities.hasFeature('fetch', feature))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(capabilities.hasFeature('object-info', 'size')).toBe(false);
  });

  it('are not millions', async () => {
    const bytes = Buffer.concat([encodePkt('version 2'), Buffer.from('0004'.repeat(100_000)), flushPkt]);
    expect(await codeOf(parse(bytes))).toBe('protocol_error');
  });
});

describe('anything else', () => {
  it('is a coded error or an advertisement, the same however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(fc.oneof(list.map(encodeList), v2)), pieceSizes, async (bytes, sizes) => {
        const outcome = async (pieces?: readonly number[]) => settled(async () => facts(await parse(bytes, pieces), ['agent']));
        const whole = await outcome();
        expect(await outcome(sizes)).toEqual(whole);
        if ('code' in whole) expect(['protocol_error', 'remote_error']).toContain(whole.code);
      }),
      { numRuns: 500 },
    );
  });

  const good = 'a'.repeat(40);
  it.each([
    ['nothing', [''], 'protocol_error'],
    ['a web page', ['<!doctype html>'], 'protocol_error'],
    ['no name', [encodePkt(good), flushPkt], 'protocol_error'],
    ['an unknown object format', [encodePkt(`${good} refs/heads/x\0object-format=md5`), flushPkt], 'protocol_error'],
    ['a list that is cut', [encodePkt(`${good} refs/heads/x\0`), encodePkt(`${good} refs/heads/y`)], 'protocol_error'],
    ['a delimiter in the list', [encodePkt(`${good} refs/heads/x\0`), '0001', flushPkt], 'protocol_error'],
    ['a v2 list that is cut', [encodePkt('version 2'), encodePkt('agent=x')], 'protocol_error'],
    ['length 3', ['0003'], 'protocol_error'],
    ['a giant packet', ['ffff'], 'protocol_error'],
    ['ERR at once', [encodePkt('ERR no such repository')], 'remote_error'],
    ['ERR behind the service line', [encodePkt('# service=git-upload-pack'), flushPkt, encodePkt('ERR no')], 'remote_error'],
    ['ERR instead of a ref', [encodePkt(`${good} refs/heads/x\0`), encodePkt('ERR too busy')], 'remote_error'],
  ])('%s ends with a code', async (_, parts, code) => {
    expect(await codeOf(parse(Buffer.concat(parts.map((part) => Buffer.from(part as Buffer))), [7]))).toBe(code);
  });

  it('that never ends is too large, after the limit of bytes or of refs', async () => {
    const line = encodePkt(`${good} refs/heads/x\n`);
    const many = Buffer.concat(Array.from({ length: 1000 }, () => line));
    const endless = (async function* () {
      yield encodePkt(`${good} refs/heads/x\0ofs-delta\n`);
      for (;;) yield many;
    })();
    expect(await codeOf(parseAdvertisement(new PktReader(endless, options)))).toBe('advertisement_too_large');

    let count = 0;
    const refs = (async function* () {
      for (; count <= limits.refs + 1000; count += 1000) yield many;
      yield flushPkt;
    })();
    expect(await codeOf(parseAdvertisement(new PktReader(refs, { ...options, maxBytes: 1e9 })))).toBe('advertisement_too_large');
    expect(count).toBeGreaterThanOrEqual(limits.refs - 1000);
  });
});
