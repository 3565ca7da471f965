/** Where the objects of a small pack stand: a commit that holds each, and its path there. Reads with isomorphic-git (its only importer), in memory. */
import { dirname } from 'node:path';
import type { PromiseFsClient, TreeEntry } from 'isomorphic-git';
import { GitferryError } from '../../core/errors.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { assertIndexable } from './indexable-pack.ts';

export interface ObjectPlace {
  /** A commit of the pack whose tree holds it, or which it is. */
  readonly commit: Oid;
  /** undefined = it is the commit itself. */
  readonly path: string | undefined;
}

const folder = '/pack';
const packPath = 'objects/pack/pack-small.pack';

/**
 * Places of those of `oids` that can be found: the pack may hold only a part of each tree. None in a SHA-256 pack, which isomorphic-git does not read.
 * `objects` is the number in the pack's header. Throws `history_too_large` for what would not fit into memory, `pack_corrupt` for a thin or damaged pack.
 */
export async function placesOf(
  oids: readonly Oid[],
  pack: { readonly bytes: Uint8Array; readonly objects: number; readonly format: ObjectFormat },
  signal: AbortSignal,
): Promise<ReadonlyMap<Oid, ObjectPlace>> {
  const places = new Map<Oid, ObjectPlace>();
  if (pack.format !== 'sha1' || pack.objects === 0) return places;
  await assertIndexable(pack.bytes, pack.objects, signal);
  // Loaded only here: most runs name no object.
  const git = await import('isomorphic-git');
  const reader = { fs: memoryFileSystem(new Map([[`${folder}/${packPath}`, pack.bytes]])), gitdir: folder, cache: {} };
  const names = await git.indexPack({ ...reader, dir: folder, filepath: packPath }).catch(unreadable);
  if (names.oids.length !== pack.objects) throw new GitferryError('pack_corrupt', { detail: 'Not all of its objects can be read.' });
  const inPack = new Set(names.oids);
  const wanted = new Set(oids);
  for (const commit of names.oids) {
    signal.throwIfAborted();
    const read = await git.readCommit({ ...reader, oid: commit }).catch(() => undefined);
    if (read === undefined) continue;
    place(commit, undefined, commit);
    const left = [{ tree: read.commit.tree, path: '' }];
    const seen = new Set<Oid>();
    for (let next = left.pop(); next !== undefined && places.size < wanted.size; next = left.pop()) {
      if (!inPack.has(next.tree) || seen.has(next.tree)) continue;
      seen.add(next.tree);
      const { tree } = await git.readTree({ ...reader, oid: next.tree }).catch(unreadable);
      for (const { oid, path, type } of tree satisfies TreeEntry[]) {
        place(oid, `${next.path}${path}`, commit);
        if (type === 'tree') left.push({ tree: oid, path: `${next.path}${path}/` });
      }
    }
  }
  return places;

  function place(oid: Oid, path: string | undefined, commit: Oid): void {
    if (wanted.has(oid) && !places.has(oid)) places.set(oid, { commit, path });
  }
}

function unreadable(cause: unknown): never {
  throw new GitferryError('pack_corrupt', { detail: 'An object of it cannot be read.', cause });
}

/** As much of a file system as isomorphic-git needs to index one pack and read from it. */
function memoryFileSystem(files: Map<string, Uint8Array>): PromiseFsClient {
  const missing = (path: string): never => {
    throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
  };
  const stat = async (path: string): Promise<object> => {
    const file = files.get(path);
    const isFolder = [...files.keys()].some((name) => name.startsWith(`${path}/`));
    if (file === undefined && !isFolder) return missing(path);
    return { size: file?.length ?? 0, isFile: () => file !== undefined, isDirectory: () => isFolder, isSymbolicLink: () => false };
  };
  const readOnly = async (path: string): Promise<never> => missing(path);
  return {
    promises: {
      readFile: async (path: string) => Buffer.from(files.get(path) ?? missing(path)),
      writeFile: async (path: string, data: Uint8Array) => void files.set(path, data),
      readdir: async (path: string) =>
        [...files.keys()].filter((name) => dirname(name) === path).map((name) => name.slice(path.length + 1)),
      mkdir: async () => {},
      rmdir: readOnly,
      unlink: readOnly,
      readlink: readOnly,
      symlink: readOnly,
      stat,
      lstat: stat,
    },
  } as unknown as PromiseFsClient;
}
