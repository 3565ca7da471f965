import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectFormat } from '../../../lib/git/object-id.ts';
import { encodeLsRefsRequest, type LsRefsAnswer, parseLsRefsAnswer } from '../../../lib/git/wire/ls-refs.ts';
import { encodePkt, flushPkt, type Pkt, pktText } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { codeOf, cut, pieceSizes, settled } from '../../support/byte-streams.ts';
import { hostile, objectFormat, oid, refName } from '../../support/wire-arbitraries.ts';

const options = { maxBytes: 1_000_000, truncatedCode: 'protocol_error' } as const;

function parse(bytes: Uint8Array, format: ObjectFormat, sizes?: readonly number[]): Promise<LsRefsAnswer> {
  return parseLsRefsAnswer(new PktReader(cut(bytes, sizes), options), format);
}

interface Answer extends LsRefsAnswer {
  readonly format: ObjectFormat;
}

const answer: fc.Arbitrary<Answer> = objectFormat.chain((format) => {
  const refs = fc.array(
    fc.oneof(
      fc.record({ oid: oid(format), name: refName }),
      fc.record({ oid: oid(format), name: refName, peeled: oid(format) }),
      fc.record({ oid: oid(format), name: refName, symrefTarget: refName }),
      fc.record({ oid: oid(format), name: refName, symrefTarget: refName, peeled: oid(format) }),
    ),
    { maxLength: 15 },
  );
  return fc
    .oneof(fc.record({ refs }), fc.record({ refs, unbornHead: refName }))
    .map((given) => ({ ...given, format, impossible: new Set<string>() }));
});

function encodeAnswer({ refs, unbornHead }: LsRefsAnswer): Buffer {
  const lines = refs.map(({ oid: value, name, symrefTarget, peeled }) =>
    [
      value,
      name,
      ...(symrefTarget === undefined ? [] : [`symref-target:${symrefTarget}`]),
      ...(peeled === undefined ? [] : [`peeled:${peeled}`]),
    ].join(' '),
  );
  if (unbornHead !== undefined) lines.unshift(`unborn HEAD symref-target:${unbornHead}`);
  return Buffer.concat([...lines.map((line) => encodePkt(`${line}\n`)), flushPkt]);
}

describe('the answer to ls-refs', () => {
  it('comes out as it was sent, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(answer, pieceSizes, async ({ format, ...given }, sizes) => {
        expect(await parse(encodeAnswer(given), format, sizes)).toEqual(given);
      }),
    );
  });

  it('may have attributes that nobody asked for', async () => {
    const id = 'a'.repeat(40);
    const bytes = Buffer.concat([encodePkt(`${id} refs/tags/v1 size:12 peeled:${id} peeled-not`), flushPkt]);
    expect(await parse(bytes, 'sha1')).toMatchObject({ refs: [{ oid: id, name: 'refs/tags/v1', peeled: id }] });
  });

  it.each([
    ['all zeros', '0'.repeat(40)],
    ['too short', 'a'.repeat(39)],
    ['too long', 'a'.repeat(41)],
    ['no hexadecimal number', 'g'.repeat(40)],
  ])('names a ref whose value is %s apart from the others', async (_, value) => {
    const id = 'a'.repeat(40);
    const lines = [`${value} HEAD symref-target:refs/heads/x`, `${value} refs/heads/x`, `${id} refs/tags/y peeled:${value}`];
    const read = await parse(Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt]), 'sha1');
    expect(read).toEqual({ refs: [{ oid: id, name: 'refs/tags/y' }], impossible: new Set(['refs/heads/x']) });
  });

  it('keeps a name that is not UTF-8 apart from the others: it holds U+FFFD', async () => {
    const line = Buffer.concat([Buffer.from(`${'a'.repeat(40)} refs/heads/`), Buffer.from([0xff, 0xfe])]);
    const { refs } = await parse(Buffer.concat([encodePkt(line), flushPkt]), 'sha1');
    expect(refs[0]?.name).toBe('refs/heads/\ufffd\ufffd');
  });

  it('is a coded error or a list whatever the bytes, the same however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(answer.map(encodeAnswer)), objectFormat, pieceSizes, async (bytes, format, sizes) => {
        const whole = await settled(parse(bytes, format));
        expect(await settled(parse(bytes, format, sizes))).toEqual(whole);
        if ('code' in whole) expect(['protocol_error', 'remote_error']).toContain(whole.code);
      }),
      { numRuns: 500 },
    );
  });

  const id = 'a'.repeat(40);
  it.each([
    ['nothing', [], 'protocol_error'],
    ['no flush packet', [encodePkt(`${id} refs/heads/x`)], 'protocol_error'],
    ['a delimiter', [encodePkt(`${id} refs/heads/x`), Buffer.from('0001')], 'protocol_error'],
    ['an empty line', [Buffer.from('0004'), flushPkt], 'protocol_error'],
    ['a giant packet', [Buffer.from('ffff')], 'protocol_error'],
    ['ERR', [encodePkt('ERR upload-pack: not our ref')], 'remote_error'],
  ])('with %s ends with a code', async (_, parts, code) => {
    expect(await codeOf(parse(Buffer.concat(parts), 'sha1'))).toBe(code);
  });
});

describe('the ls-refs request', () => {
  it('names the command, capabilities, a delimiter, what it wants to know, and each prefix', async () => {
    const request = { capabilities: ['agent=x', 'object-format=sha256'], prefixes: ['HEAD', 'refs/heads/'], unborn: true };
    const reader = new PktReader(cut(encodeLsRefsRequest(request)), options);
    const seen: string[] = [];
    for (let pkt: Pkt = await reader.read(); pkt !== 'flush'; pkt = await reader.read())
      seen.push(Buffer.isBuffer(pkt) ? pktText(pkt) : pkt);
    expect(seen).toEqual([
      'command=ls-refs',
      'agent=x',
      'object-format=sha256',
      'delim',
      'peel',
      'symrefs',
      'unborn',
      'ref-prefix HEAD',
      'ref-prefix refs/heads/',
    ]);
    expect(await reader.readOrEnd()).toBeUndefined();
  });
});
