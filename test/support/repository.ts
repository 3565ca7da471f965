/** Bare repositories made from a description: commits by name with parents, refs, HEAD, symbolic refs, blobs and annotated tags. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from './git.ts';

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

/** Makes all objects once in a store; repositories are cut from it. `parents` names commits and their parents, in any order. */
export async function createObjectStore(
  folder: string,
  parents: Readonly<Record<string, readonly string[]>>,
  objects: Readonly<Record<string, ObjectSpec>> = {},
  format: 'sha1' | 'sha256' = 'sha1',
): Promise<ObjectStore> {
  const path = join(folder, 'store.git');
  await git(folder, ['init', '--quiet', '--bare', `--object-format=${format}`, path]);
  const oids = new Map<string, string>();
  const make = async (name: string): Promise<string> => {
    const known = oids.get(name);
    if (known !== undefined) return known;
    const oid = await makeObject(name);
    oids.set(name, oid);
    return oid;
  };
  const makeTree = async (name: string): Promise<string> => {
    const blob = await git(path, ['hash-object', '-w', '--stdin'], { input: `content of ${name}\n` });
    return git(path, ['mktree'], { input: `100644 blob ${blob}\t${name.replaceAll('/', '_')}.txt\n` });
  };
  const makeObject = async (name: string): Promise<string> => {
    const object = objects[name];
    if (object?.type === 'blob') return git(path, ['hash-object', '-w', '--stdin'], { input: `blob ${name}\n` });
    if (object?.type === 'tree') return makeTree(name);
    if (object?.type === 'tag') {
      const of = await make(object.of ?? '');
      const type = await git(path, ['cat-file', '-t', of]);
      return git(path, ['mktag'], {
        input: `object ${of}\ntype ${type}\ntag ${name}\ntagger Test <test@example.org> 1700000000 +0000\n\n${name}\n`,
      });
    }
    const listed = parents[name];
    if (listed === undefined) throw new Error(`no such object: ${name}`);
    const parentOids: string[] = [];
    for (const parent of listed) parentOids.push(await make(parent));
    return git(path, ['commit-tree', await makeTree(name), ...parentOids.flatMap((oid) => ['-p', oid]), '-m', name]);
  };
  for (const name of [...Object.keys(parents), ...Object.keys(objects)]) await make(name);
  const oid = (name: string): string => {
    const found = oids.get(name);
    if (found === undefined) throw new Error(`no such object: ${name}`);
    return found;
  };
  return {
    path,
    oid,
    name: (wanted) => [...oids].find(([, known]) => known === wanted)?.[0] ?? wanted,
    async create(repository, spec) {
      await mkdir(repository, { recursive: true });
      await git(folder, ['init', '--quiet', '--bare', `--object-format=${format}`, repository]);
      const wanted = [...new Set(Object.values(spec.refs).map(oid))];
      if (wanted.length > 0) {
        await git(path, ['update-ref', '--stdin'], { input: wanted.map((value) => `update refs/keep/${value} ${value}\n`).join('') });
        await git(repository, [
          '-c',
          'protocol.file.allow=always',
          'fetch',
          '--quiet',
          '--no-tags',
          path,
          ...wanted.map((value) => `refs/keep/${value}`),
        ]);
      }
      await git(repository, ['update-ref', '--stdin'], {
        input: Object.entries(spec.refs)
          .map(([ref, name]) => `update ${ref} ${oid(name)}\n`)
          .join(''),
      });
      for (const [ref, to] of Object.entries(spec.symrefs ?? {})) await git(repository, ['symbolic-ref', ref, to]);
      await git(repository, ['symbolic-ref', 'HEAD', spec.head ?? 'refs/heads/main']);
      await rmFetchHead(repository);
      return repository;
    },
  };
}

async function rmFetchHead(repository: string): Promise<void> {
  const { rm } = await import('node:fs/promises');
  await rm(join(repository, 'FETCH_HEAD'), { force: true });
}
