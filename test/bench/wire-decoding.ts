/** How fast answers are decoded, in this process and from memory, in pieces as they come from a socket. */
import { createHash } from 'node:crypto';
import { openPack } from '../../lib/git/pack/incoming-pack.ts';
import { parseAdvertisement } from '../../lib/git/wire/advertisement.ts';
import { parseLsRefsAnswer } from '../../lib/git/wire/ls-refs.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { type ByteStream, PktReader } from '../../lib/git/wire/pkt-reader.ts';
import { demultiplex, RemoteWords } from '../../lib/git/wire/sideband.ts';
import { contest, type Summary } from './contest.ts';
import { measureHere } from './measure.ts';
import { PseudoRandom } from './pseudo-random.ts';
import type { Finding } from './report.ts';
import type { Workbench } from './workbench.ts';

const readBytes = 64 * 1024;
const leastMBPerSecond = 300;

interface Decoding {
  readonly name: string;
  readonly bytes: Buffer;
  decode(stream: ByteStream): Promise<unknown>;
}

const reader = (stream: ByteStream): PktReader => new PktReader(stream, { maxBytes: 1e9, truncatedCode: 'protocol_error' });
const demultiplexed = (stream: ByteStream): ByteStream =>
  demultiplex(stream, { words: new RemoteWords(), truncatedCode: 'pack_truncated' });

export async function benchWireDecoding({ runs }: Workbench): Promise<Finding> {
  const random = new PseudoRandom(3);
  const oid = (): string => random.bytes(20).toString('hex');
  const name = (index: number): string => `refs/heads/feature/topic-number-${index}`;
  const pack = packOf(random.bytes(256_000_000));
  const packets = Array.from({ length: 100_000 }, () => encodePkt(random.bytes(random.integer(20, 1500))));
  const listed = Array.from({ length: 200_000 }, (_, index) => encodePkt(`${oid()} ${name(index)}\n`));
  const [first, ...others] = Array.from({ length: 200_000 }, (_, index) =>
    encodePkt(`${oid()} ${name(index)}${index === 0 ? '\0report-status' : ''}\n`),
  );
  const decodings: Decoding[] = [
    { name: 'sideband', bytes: multiplex(pack), decode: async (stream) => passThrough(demultiplexed(stream)) },
    {
      name: 'sideband and the checksum of the pack',
      bytes: multiplex(pack),
      decode: async (stream) => passThrough((await openPack(demultiplexed(stream), 'sha1')).bytes),
    },
    {
      name: 'pkt-lines of 20 to 1,500 bytes',
      bytes: Buffer.concat([...packets, flushPkt]),
      decode: (stream) => readPackets(reader(stream)),
    },
    {
      name: 'ref list of protocol v2, 200,000 refs',
      bytes: Buffer.concat([...listed, flushPkt]),
      decode: (stream) => parseLsRefsAnswer(reader(stream), 'sha1'),
    },
    {
      name: 'ref advertisement of v0, 200,000 refs',
      bytes: Buffer.concat([first as Buffer, ...others, flushPkt]),
      decode: (stream) => parseAdvertisement(reader(stream)),
    },
  ];
  for (const { bytes, decode } of decodings) await decode(inPieces(bytes));
  const contenders = decodings.map(({ name: label, bytes, decode }) => ({
    name: label,
    run: () => measureHere(() => decode(inPieces(bytes))),
  }));
  const summaries: Summary[] = await contest(contenders, { runs: Math.max(runs, 7) });
  return {
    title: 'Decoding on one core',
    contenders: summaries,
    targets: decodings.map(({ name: what, bytes }, index) => ({
      what,
      measured: bytes.length / 1e6 / ((summaries[index]?.wallMs ?? Number.NaN) / 1000),
      bound: leastMBPerSecond,
      kind: 'at least',
      unit: 'MB/s',
    })),
  };
}

/** Not a real pack, but what is looked at in passing is there: header and trailer. */
function packOf(content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1'), content]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

/** Packets as C git sends them. */
function multiplex(bytes: Buffer): Buffer {
  const packets: Buffer[] = [];
  const most = 65_515;
  for (let at = 0; at < bytes.length; at += most) packets.push(encodePkt(Buffer.concat([Buffer.from([1]), bytes.subarray(at, at + most)])));
  return Buffer.concat([...packets, flushPkt]);
}

async function* inPieces(bytes: Buffer): ByteStream {
  for (let at = 0; at < bytes.length; at += readBytes) yield bytes.subarray(at, at + readBytes);
}

async function passThrough(stream: ByteStream): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

async function readPackets(packets: PktReader): Promise<void> {
  while ((await packets.readOrEnd()) !== 'flush');
}
