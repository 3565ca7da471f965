/** Long lists in pieces that fit into items: each piece is compressed JSON by itself. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** JSON before compression, which hardly makes it longer: with it, a piece stays under 300 KB. An item takes 400 KB. */
const chunkBytes = 280_000;

/** Pieces with their number of elements, in order; none for an empty list. One element larger than a piece is a piece by itself. */
export async function encodeChunks(list: readonly unknown[]): Promise<readonly { readonly count: number; readonly data: Uint8Array }[]> {
  const pieces: string[][] = [];
  let bytes = 0;
  for (const element of list) {
    const json = JSON.stringify(element);
    const size = Buffer.byteLength(json) + 1;
    const last = pieces.at(-1);
    if (last === undefined || bytes + size > chunkBytes) {
      pieces.push([json]);
      bytes = size;
    } else {
      last.push(json);
      bytes += size;
    }
  }
  return Promise.all(pieces.map(async (piece) => ({ count: piece.length, data: await compress(`[${piece.join(',')}]`) })));
}

export async function decodeChunk(data: Uint8Array): Promise<unknown[]> {
  return JSON.parse((await decompress(data)).toString()) as unknown[];
}
