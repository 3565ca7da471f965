/** Made LFS objects: random content in an end's object folder, and a branch whose files are pointers to them. */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encodePointer, type LfsObject } from '../../lib/lfs/pointer.ts';
import { commitTo } from '../support/commit-to.ts';

/** Where a benchmark's server keeps objects, in the folder of its repositories. */
export const lfsObjects = 'lfs-objects';

const pieceBytes = 4_000_000;

/** Writes objects into the folder of an end, and a commit with one pointer each on main of the bare repository. */
export async function makeLfsObjects(
  root: string,
  repository: string,
  { objects, bytes }: { readonly objects: number; readonly bytes: number },
): Promise<LfsObject[]> {
  const folder = join(root, lfsObjects);
  await mkdir(folder, { recursive: true });
  const made: LfsObject[] = [];
  for (let index = 0; index < objects; index++) made.push(await makeObject(folder, bytes));
  const pointers = made.map((object, index) => [`${index}.bin`, encodePointer({ ...object, extensions: [] })]);
  await commitTo(repository, { ...Object.fromEntries(pointers), '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' });
  return made;
}

async function makeObject(folder: string, size: number): Promise<LfsObject> {
  const hash = createHash('sha256');
  const unnamed = join(folder, 'unnamed');
  function* content(): Generator<Buffer> {
    for (let left = size; left > 0; left -= pieceBytes) {
      const piece = randomBytes(Math.min(left, pieceBytes));
      hash.update(piece);
      yield piece;
    }
  }
  await pipeline(Readable.from(content()), createWriteStream(unnamed));
  const oid = hash.digest('hex');
  await rename(unnamed, join(folder, oid));
  return { oid, size };
}
