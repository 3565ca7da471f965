/** Bare repositories made from a description: commits by name with parents, refs, HEAD, symbolic refs, blobs and annotated tags. */
import { join } from 'node:path';
import { git } from './git.ts';
import {
  commitOf,
  copyLooseObjects,
  initBare,
  type ObjectFormat,
  tagOf,
  treeOf,
  writeLooseObject,
  writeLooseRefs,
} from './loose-objects.ts';

export interface ObjectSpec {
  readonly type: 'blob' | 'tree' | 'tag';
  /** For tags: the name of the object they name. */
  readonly of?: string;
}

export interface RepositorySpec {
  /** Full ref name → name of an object. */
  readonly refs: Readonly<Record<string, string>>;
  /** Full name of the branch that HEAD names. */
  readonly head?: string;
  readonly symrefs?: Readonly<Record<string, string>>;
}

export interface ObjectStore {
  /** Object id of a name. */
  oid(name: string): string;
  /** Name of an object id, for comparing refs with a description. */
  name(oid: string): string;
  /** A new bare repository with these refs, and only the objects they reach. */
  create(folder: string, spec: RepositorySpec): Promise<string>;
  readonly path: string;
}

/** With more than this git makes a pack, which servers read faster. */
const mostLooseObjects = 300;

/** Makes all objects once in a store; repositories are cut from it. `parents` names commits and their parents, in any order. */
export async function createObjectStore(
  folder: string,
  parents: Readonly<Record<string, readonly string[]>>,
  objects: Readonly<Record<string, ObjectSpec>> = {},
  format: ObjectFormat = 'sha1',
): Promise<ObjectStore> {
  const path = join(folder, 'store.git');
  await initBare(path, format);
  const oids = new Map<string, string>();
  /** An object's type, and those that it names. */
  const made = new Map<string, { readonly type: string; readonly names: readonly string[] }>();
  const write = async (type: 'blob' | 'tree' | 'commit' | 'tag', body: string | Buffer, names: readonly string[] = []): Promise<string> => {
    const oid = await writeLooseObject(path, format, type, body);
    made.set(oid, { type, names });
    return oid;
  };
  const make = async (name: string): Promise<string> => {
    const known = oids.get(name);
    if (known !== undefined) return known;
    const oid = await makeObject(name);
    oids.set(name, oid);
    return oid;
  };
  const makeTree = async (name: string): Promise<string> => {
    const blob = await write('blob', `content of ${name}\n`);
    return write('tree', treeOf(`${name.replaceAll('/', '_')}.txt`, blob), [blob]);
  };
  const makeObject = async (name: string): Promise<string> => {
    const object = objects[name];
    if (object?.type === 'blob') return write('blob', `blob ${name}\n`);
    if (object?.type === 'tree') return makeTree(name);
    if (object?.type === 'tag') {
      const of = await make(object.of ?? '');
      return write('tag', tagOf(of, made.get(of)?.type ?? '', name), [of]);
    }
    const listed = parents[name];
    if (listed === undefined) throw new Error(`no such object: ${name}`);
    const parentOids: string[] = [];
    for (const parent of listed) parentOids.push(await make(parent));
    const tree = await makeTree(name);
    return write('commit', commitOf(tree, parentOids, name), [tree, ...parentOids]);
  };
  for (const name of [...Object.keys(parents), ...Object.keys(objects)]) await make(name);
  const oid = (name: string): string => {
    const found = oids.get(name);
    if (found === undefined) throw new Error(`no such object: ${name}`);
    return found;
  };
  const reachedBy = (values: readonly string[]): Set<string> => {
    const reached = new Set<string>();
    for (const left = [...values]; left.length > 0; ) {
      const next = left.pop() ?? '';
      if (reached.has(next)) continue;
      reached.add(next);
      left.push(...(made.get(next)?.names ?? []));
    }
    return reached;
  };
  return {
    path,
    oid,
    name: (wanted) => [...oids].find(([, known]) => known === wanted)?.[0] ?? wanted,
    async create(repository, spec) {
      await initBare(repository, format, spec.head);
      const wanted = [...new Set(Object.values(spec.refs).map(oid))];
      const reached = reachedBy(wanted);
      if (reached.size <= mostLooseObjects) await copyLooseObjects(path, repository, reached);
      else await fetchAll(path, repository, wanted);
      await writeLooseRefs(repository, Object.fromEntries(Object.entries(spec.refs).map(([ref, name]) => [ref, oid(name)])));
      await writeLooseRefs(repository, Object.fromEntries(Object.entries(spec.symrefs ?? {}).map(([ref, to]) => [ref, `ref: ${to}`])));
      return repository;
    },
  };
}

async function fetchAll(store: string, repository: string, wanted: readonly string[]): Promise<void> {
  await git(store, ['update-ref', '--stdin'], { input: wanted.map((value) => `update refs/keep/${value} ${value}\n`).join('') });
  const refs = wanted.map((value) => `refs/keep/${value}`);
  await git(repository, ['-c', 'protocol.file.allow=always', 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', store, ...refs]);
}
