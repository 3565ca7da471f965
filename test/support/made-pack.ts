/** Packs made entry by entry for tests: also those that no Git would make. */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

export interface MadeEntry {
  readonly type: 'commit' | 'tree' | 'blob' | 'tag' | 'ofs-delta' | 'ref-delta';
  readonly content: Buffer;
  /** ofs-delta: the number of the entry that it is made for. */
  readonly base?: number;
  /** ref-delta: the name of its base. */
  readonly baseName?: string;
  /** What it says instead of its real size. */
  readonly statedBytes?: number;
}

const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4, 'ofs-delta': 6, 'ref-delta': 7 } as const;

/** With a right checksum; `statedObjects` is what the header says instead of the real number. */
export function makePack(entries: readonly MadeEntry[], statedObjects = entries.length): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK', 'latin1');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(statedObjects, 8);
  const parts = [head];
  const offsets: number[] = [];
  let at = head.length;
  for (const { type, content, base, baseName, statedBytes } of entries) {
    const baseOf =
      base !== undefined
        ? encodeDistance(at - (offsets[base] ?? 0))
        : baseName !== undefined
          ? Buffer.from(baseName, 'hex')
          : Buffer.alloc(0);
    const entry = Buffer.concat([encodeTypeAndSize(typeNumbers[type], statedBytes ?? content.length), baseOf, deflated(content)]);
    offsets.push(at);
    parts.push(entry);
    at += entry.length;
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

/** Large contents come again and again in such packs. */
let lastDeflated: { readonly content: Buffer; readonly bytes: Buffer } | undefined;

function deflated(content: Buffer): Buffer {
  if (lastDeflated?.content !== content) lastDeflated = { content, bytes: deflateSync(content) };
  return lastDeflated.bytes;
}

function encodeTypeAndSize(type: number, bytes: number): Buffer {
  const digits: number[] = [];
  let rest = Math.floor(bytes / 16);
  let byte = (type << 4) | (bytes & 15);
  while (rest > 0) {
    digits.push(byte | 0x80);
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...digits, byte]);
}

/** gitformat-pack(5), OBJ_OFS_DELTA. */
function encodeDistance(distance: number): Buffer {
  const digits = [distance & 0x7f];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    digits.unshift(0x80 | (rest & 0x7f));
  }
  return Buffer.from(digits);
}

/** A delta that copies the base from its beginning `times` times, at most 64 KiB each. */
export function copyingDelta(baseBytes: number, copyBytes: number, times: number): Buffer {
  const copy = Buffer.from([0x80 | 0x10 | 0x20, copyBytes & 0xff, (copyBytes >> 8) & 0xff]);
  return Buffer.concat([varint(baseBytes), varint(copyBytes * times), ...Array.from({ length: times }, () => copy)]);
}

/** A delta that takes nothing of its base: at most 127 bytes. */
export function insertingDelta(baseBytes: number, text: string): Buffer {
  return Buffer.concat([varint(baseBytes), varint(text.length), Buffer.from([text.length]), Buffer.from(text)]);
}

function varint(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) | 0x80);
  return Buffer.from([...digits, rest]);
}

/** A commit object's content. */
export function commitContent(parents: readonly string[], words = 'made'): Buffer {
  const lines = [
    `tree ${'4'.repeat(40)}`,
    ...parents.map((oid) => `parent ${oid}`),
    'author A <a@e> 1700000000 +0000',
    'committer A <a@e> 1700000000 +0000',
  ];
  return Buffer.from(`${lines.join('\n')}\n\n${words}\n`);
}

export function oidOf(type: string, content: Uint8Array): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}
