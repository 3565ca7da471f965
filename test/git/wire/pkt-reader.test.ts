import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePkt, type Pkt, type PktMark } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { codeOf, cut, pieceSizes, readAll, settled } from '../../support/byte-streams.ts';
import { hostile } from '../../support/wire-arbitraries.ts';

const options = { maxBytes: 1_000_000, truncatedCode: 'report_missing' } as const;
const marks: Readonly<Record<PktMark, string>> = { flush: '0000', delim: '0001', 'response-end': '0002' };

const packets: fc.Arbitrary<Pkt[]> = fc.array(
  fc.oneof(
    fc.constantFrom<PktMark>('flush', 'delim', 'response-end'),
    fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data)),
  ),
  { maxLength: 20 },
);

function encoded(list: readonly Pkt[]): Buffer {
  return Buffer.concat(list.map((pkt) => (Buffer.isBuffer(pkt) ? encodePkt(pkt) : Buffer.from(marks[pkt]))));
}

async function readPackets(reader: PktReader): Promise<Pkt[]> {
  const list: Pkt[] = [];
  for (let pkt = await reader.readOrEnd(); pkt !== undefined; pkt = await reader.readOrEnd()) list.push(pkt);
  return list;
}

/** A stream that never ends, and notes how much was taken and whether it was ended. */
function endless(chunk: Uint8Array): { stream: AsyncIterable<Uint8Array>; taken: () => number; ended: () => boolean } {
  let bytes = 0;
  let isEnded = false;
  const stream = (async function* () {
    try {
      for (;;) {
        bytes += chunk.length;
        yield chunk;
      }
    } finally {
      isEnded = true;
    }
  })();
  return { stream, taken: () => bytes, ended: () => isEnded };
}

describe('packets from a stream', () => {
  it('are the same however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(packets, pieceSizes, async (list, sizes) => {
        expect(await readPackets(new PktReader(cut(encoded(list), sizes), options))).toEqual(list);
      }),
    );
  });

  it('are packets or a coded error whatever the bytes, the same however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(packets.map(encoded)), pieceSizes, async (bytes, sizes) => {
        const whole = await settled(readPackets(new PktReader(cut(bytes), options)));
        expect(await settled(readPackets(new PktReader(cut(bytes, sizes), options)))).toEqual(whole);
      }),
    );
  });

  it('end with the truncation code where the stream ends within one', async () => {
    const bytes = encodePkt('some data');
    for (let length = 1; length < bytes.length; length++) {
      expect(await codeOf(new PktReader(cut(bytes.subarray(0, length)), options).readOrEnd())).toBe('report_missing');
    }
  });

  it('end with the truncation code where one is expected and none comes', async () => {
    expect(await codeOf(new PktReader(cut(Buffer.alloc(0)), options).read())).toBe('report_missing');
    expect(await new PktReader(cut(Buffer.alloc(0)), options).readOrEnd()).toBeUndefined();
  });

  it('that never end are too large after the limit, and little more was read', async () => {
    const { stream, taken } = endless(encodePkt(Buffer.alloc(1000)));
    expect(await codeOf(readPackets(new PktReader(stream, options)))).toBe('advertisement_too_large');
    expect(taken()).toBeLessThan(options.maxBytes + 3000);
  });

  it('that never end count as too large also if they are empty', async () => {
    const { stream, taken } = endless(Buffer.from('0004'.repeat(1000)));
    expect(await codeOf(readPackets(new PktReader(stream, options)))).toBe('advertisement_too_large');
    expect(taken()).toBeLessThan(options.maxBytes + 9000);
  });
});

describe("the server's ERR line", () => {
  it('is an error with its words, without control characters', async () => {
    const result = await settled(new PktReader(cut(encodePkt('ERR access\x1b[31m denied\x07\u009b2J\n')), options).read());
    expect(result).toMatchObject({ code: 'remote_error' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect('message' in result && result.message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    expect('message' in result && result.message).toContain('access denied');
  });
});

describe('the rest of a stream', () => {
  it('is exactly what stands behind the packets that were read', async () => {
    await fc.assert(
      fc.asyncProperty(packets, fc.uint8Array({ maxLength: 500 }), pieceSizes, async (list, rest, sizes) => {
        const reader = new PktReader(cut(Buffer.concat([encoded(list), rest]), sizes), options);
        for (const pkt of list) expect(await reader.readOrEnd()).toEqual(pkt);
        expect(await readAll(reader.rest())).toEqual(Buffer.from(rest));
      }),
    );
  });

  it('is not limited by the size of packets', async () => {
    const reader = new PktReader(cut(Buffer.alloc(options.maxBytes * 2), [50_000]), options);
    expect(await readAll(reader.rest())).toHaveLength(options.maxBytes * 2);
  });

  it('is read to its end by drain if it is short', async () => {
    let atEnd = false;
    const stream = (async function* () {
      yield Buffer.from('0000some rest');
      atEnd = true;
    })();
    const reader = new PktReader(stream, options);
    expect(await reader.read()).toBe('flush');
    await reader.drain(100);
    expect(atEnd).toBe(true);
  });

  it('is dropped by drain if it is long', async () => {
    const { stream, taken, ended } = endless(Buffer.alloc(1000));
    await new PktReader(stream, options).drain(10_000);
    expect(taken()).toBeLessThan(13_000);
    expect(ended()).toBe(true);
  });

  it('is ended by cancel, also twice', async () => {
    const { stream, ended } = endless(encodePkt('x'));
    const reader = new PktReader(stream, options);
    await reader.read();
    await reader.cancel();
    await reader.cancel();
    expect(ended()).toBe(true);
    expect(await readAll(reader.rest())).toHaveLength(0);
  });
});
