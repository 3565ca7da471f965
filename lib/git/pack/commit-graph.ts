/** Commits and their parents out of a pack, indexed by isomorphic-git (its only importer): in memory for short lists, in a folder for a cloned history. */
import { dirname, join } from 'node:path';
import type { PromiseFsClient } from 'isomorphic-git';
import { GitferryError } from '../../core/errors.ts';
import type { Oid } from '../object-id.ts';
import { assertIndexable } from './indexable-pack.ts';

/** Object id → parents, for every object of a pack; what is no commit has none. */
export type CommitGraph = ReadonlyMap<Oid, readonly Oid[]>;

const packPath = 'objects/pack/pack-history.pack';

/** Where a pack has to lie below a folder to be read by `readCommitGraph`. */
export function packFile(folder: string): string {
  return join(folder, packPath);
}

/**
 * Indexes the pack in `folder` and reads its commits. `objects` is the number in the pack's header: a thin or
 * damaged pack is indexed only in part, and then this throws `pack_corrupt`. Throws `history_too_large` for what would not fit into memory. SHA-1 only.
 */
export async function readCommitGraph(folder: string, objects: number, signal: AbortSignal): Promise<CommitGraph> {
  return graphFrom({ promises: await import('node:fs/promises') } as unknown as PromiseFsClient, folder, objects, signal);
}

/** The same for a pack in memory; touches no disk. */
export async function readCommitGraphFromBytes(pack: Uint8Array, objects: number, signal: AbortSignal): Promise<CommitGraph> {
  const folder = '/pack-in-memory';
  return graphFrom(memoryFileSystem(new Map([[packFile(folder), pack]])), folder, objects, signal);
}

async function graphFrom(fs: PromiseFsClient, folder: string, objects: number, signal: AbortSignal): Promise<CommitGraph> {
  const graph = new Map<Oid, readonly Oid[]>();
  if (objects === 0) return graph;
  await assertIndexable((await fs.promises.readFile(packFile(folder))) as Uint8Array, objects, signal);
  // Loaded only here: most runs never ask for a history.
  const { indexPack, readObject } = await import('isomorphic-git');
  const cache = {};
  let oids: readonly string[];
  try {
    ({ oids } = await indexPack({ fs, dir: folder, gitdir: folder, filepath: packPath, cache }));
  } catch (cause) {
    throw new GitferryError('pack_corrupt', { detail: 'The history cannot be indexed.', cause });
  }
  if (oids.length !== objects)
    throw new GitferryError('pack_corrupt', { detail: `Only ${oids.length} of ${objects} objects of the history can be read.` });
  for (const oid of oids) {
    signal.throwIfAborted();
    const { type, object } = await readObject({ fs, dir: folder, gitdir: folder, oid, format: 'content', cache }).catch(
      (cause: unknown) => {
        throw new GitferryError('pack_corrupt', { detail: 'An object of the history cannot be read.', cause });
      },
    );
    graph.set(oid, type === 'commit' ? parentsOf(Buffer.from(object as Uint8Array)) : []);
  }
  return graph;
}

/** The `parent` lines of a commit's header, gitformat-commit: they follow the tree line. */
function parentsOf(commit: Buffer): Oid[] {
  const header = commit.toString('latin1', 0, commit.indexOf('\n\n'));
  return [...header.matchAll(/^parent ([0-9a-f]{40})$/gm)].map((match) => match[1] as Oid);
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

/** Whether `commit` can be reached from `from`: a walk over the graph, which must hold all of `from`'s history. */
export function isAncestor(graph: CommitGraph, commit: Oid, from: Oid): boolean {
  return walk(graph, from, commit) === 'found';
}

/**
 * Looks for `commit` going from `from` to parents: `found`; `absent` if the whole history was seen; `open` if the walk left the graph
 * elsewhere, so that the graph cannot tell.
 */
export function walk(graph: CommitGraph, from: Oid, commit: Oid): 'found' | 'absent' | 'open' {
  const seen = new Set<Oid>([from]);
  const queue = [from];
  let left = false;
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    if (oid === commit) return 'found';
    const parents = graph.get(oid);
    if (parents === undefined) {
      left = true;
      continue;
    }
    for (const parent of parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      queue.push(parent);
    }
  }
  return left ? 'open' : 'absent';
}
