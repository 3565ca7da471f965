import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { parseReportStatus } from '../../../lib/git/wire/report-status.ts';
import { codeOf, cut, pieceSizes, settled } from '../../support/byte-streams.ts';
import { hostile, refName } from '../../support/wire-arbitraries.ts';

const options = { maxBytes: 1_000_000, truncatedCode: 'report_missing' } as const;

interface Report {
  readonly unpack: string;
  readonly refs: readonly (readonly [string, string | undefined])[];
}

async function parse(bytes: Uint8Array, sizes?: readonly number[]): Promise<Report | undefined> {
  const report = await parseReportStatus(new PktReader(cut(bytes, sizes), options));
  return report === undefined ? undefined : { unpack: report.unpack, refs: [...report.refs] };
}

const words = fc.constantFrom('non-fast-forward', 'failed to update ref', 'pre-receive hook declined', 'no', 'größer als erlaubt');

const report: fc.Arbitrary<Report> = fc.record({
  unpack: fc.constantFrom('ok', 'index-pack abnormal exit', 'unpack-objects abnormal exit'),
  refs: fc.uniqueArray(fc.tuple(refName, fc.option(words, { nil: undefined })), { maxLength: 12, selector: ([name]) => name }),
});

function encode({ unpack, refs }: Report): Buffer {
  const lines = [`unpack ${unpack}`, ...refs.map(([name, why]) => (why === undefined ? `ok ${name}` : `ng ${name} ${why}`))];
  return Buffer.concat([...lines.map((line) => encodePkt(`${line}\n`)), flushPkt]);
}

describe('a report', () => {
  it('comes out as it was sent, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(report, pieceSizes, async (given, sizes) => {
        expect(await parse(encode(given), sizes)).toEqual(given);
      }),
    );
  });

  it('may end without a flush packet, have option lines, and a refusal without words', async () => {
    const lines = ['unpack ok\n', 'ok refs/heads/a', 'option refname refs/heads/b\n', 'option forced-update', 'ng refs/heads/c\n'];
    expect(await parse(Buffer.concat(lines.map((line) => encodePkt(line))))).toEqual({
      unpack: 'ok',
      refs: [
        ['refs/heads/a', undefined],
        ['refs/heads/c', ''],
      ],
    });
  });

  it('keeps words whole: who cuts them masks what is secret first', async () => {
    const long = 'x'.repeat(60_000);
    const bytes = Buffer.concat([encodePkt(`unpack ${long}`), encodePkt(`ng refs/heads/a ${long}`)]);
    expect(await parse(bytes)).toEqual({ unpack: long, refs: [['refs/heads/a', long]] });
  });

  it('has words fit for a terminal', async () => {
    const bytes = Buffer.concat([encodePkt('unpack \x1b[31mno\x1b[0m space\x07'), encodePkt('ng refs/heads/a \x1b]0;title\x07hook\u009b')]);
    const result = await parse(bytes);
    expect(JSON.stringify(result)).not.toMatch(/\\u00[01]|[\x7f-\x9f]/);
    expect(result?.unpack.trim()).toBe('no space⟨U+0007⟩');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a flush packet only', flushPkt],
    ['refs only', Buffer.concat([encodePkt('ok refs/heads/a'), flushPkt])],
  ])('is missing if there is %s', async (_, bytes) => expect(await parse(bytes)).toBeUndefined());

  it.each([
    ['another line', [encodePkt('unpack ok'), encodePkt('hello refs/heads/a')], 'protocol_error'],
    ['ERR', [encodePkt('ERR receive-pack: out of memory')], 'remote_error'],
    ['a delimiter', [encodePkt('unpack ok'), Buffer.from('0001')], 'protocol_error'],
    [
      'more refs than a push has',
      [encodePkt('unpack ok'), ...Array.from({ length: 2001 }, (_, index) => encodePkt(`ok ${index}`))],
      'protocol_error',
    ],
    ['half a packet', [encodePkt('unpack ok'), Buffer.from('0010ok re')], 'report_missing'],
    ['a giant packet', [Buffer.from('ffff')], 'protocol_error'],
  ])('with %s ends with a code', async (_, parts, code) => {
    expect(await codeOf(parse(Buffer.concat(parts), [3]))).toBe(code);
  });

  it('is a coded error or a report whatever the bytes, the same however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(report.map(encode)), pieceSizes, async (bytes, sizes) => {
        const whole = await settled(parse(bytes));
        expect(await settled(parse(bytes, sizes))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });
});
