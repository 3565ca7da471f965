import { describe, expect, it } from 'vitest';
import { encodeFetchRequestV0, encodeFetchRequestV2, type FetchRequest } from '../../../lib/git/wire/fetch-request.ts';
import { type Pkt, pktText } from '../../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../../lib/git/wire/pkt-reader.ts';
import { cut } from '../../support/byte-streams.ts';

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const plain: FetchRequest = { wants: [a], haves: [], done: true, thinPack: false, ofsDelta: false };
const full: FetchRequest = {
  wants: [a, b],
  haves: [c],
  shallows: [b],
  depth: 1,
  filter: 'tree:0',
  done: false,
  thinPack: true,
  ofsDelta: true,
  waitForDone: true,
};

async function lines(bytes: Uint8Array): Promise<string[]> {
  const reader = new PktReader(cut(bytes), { maxBytes: 100_000, truncatedCode: 'protocol_error' });
  const list: string[] = [];
  const text = (pkt: Pkt): string => (Buffer.isBuffer(pkt) ? pktText(pkt) : `<${pkt}>`);
  for (let pkt = await reader.readOrEnd(); pkt !== undefined; pkt = await reader.readOrEnd()) list.push(text(pkt));
  return list;
}

describe('a fetch request of protocol v2', () => {
  it('says only what it was asked to say', async () => {
    expect(await lines(encodeFetchRequestV2(plain, []))).toEqual([
      'command=fetch',
      '<delim>',
      'no-progress',
      `want ${a}`,
      'done',
      '<flush>',
    ]);
  });

  it('says everything, capabilities before the delimiter', async () => {
    expect(await lines(encodeFetchRequestV2(full, ['agent=x', 'object-format=sha1']))).toEqual([
      'command=fetch',
      'agent=x',
      'object-format=sha1',
      '<delim>',
      'thin-pack',
      'no-progress',
      'ofs-delta',
      'wait-for-done',
      `shallow ${b}`,
      'deepen 1',
      'filter tree:0',
      `want ${a}`,
      `want ${b}`,
      `have ${c}`,
      '<flush>',
    ]);
  });
});

describe('a fetch request of protocol v0', () => {
  it('has capabilities on the first want, a flush packet before the haves, and done', async () => {
    expect(await lines(encodeFetchRequestV0({ ...plain, wants: [a, b], haves: [c] }, ['ofs-delta', 'agent=x']))).toEqual([
      `want ${a} ofs-delta agent=x`,
      `want ${b}`,
      '<flush>',
      `have ${c}`,
      'done',
    ]);
  });

  it('says everything, and without done ends with a flush packet', async () => {
    expect(await lines(encodeFetchRequestV0(full, ['filter']))).toEqual([
      `want ${a} filter`,
      `want ${b}`,
      `shallow ${b}`,
      'deepen 1',
      'filter tree:0',
      '<flush>',
      `have ${c}`,
      '<flush>',
    ]);
  });
});
