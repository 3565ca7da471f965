/** Objects and bare repositories written as git writes them, without its processes: hundreds of tests make some, and each process costs more than all of this. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';

export type ObjectFormat = 'sha1' | 'sha256';
type ObjectType = 'blob' | 'tree' | 'commit' | 'tag';

const identity = 'Test <test@example.org> 1700000000 +0000';
const objectFile = (repository: string, oid: string): string => join(repository, 'objects', oid.slice(0, 2), oid.slice(2));

/** What `git init --bare` makes, without the sample hooks; HEAD names `head`. */
export async function initBare(repository: string, format: ObjectFormat, head = 'refs/heads/main'): Promise<void> {
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'])
    await mkdir(join(repository, folder), { recursive: true });
  const extension = format === 'sha1' ? '' : '[extensions]\n\tobjectformat = sha256\n';
  const version = format === 'sha1' ? 0 : 1;
  await writeFile(
    join(repository, 'config'),
    `[core]\n\trepositoryformatversion = ${version}\n\tfilemode = true\n\tbare = true\n${extension}`,
  );
  await writeFile(join(repository, 'HEAD'), `ref: ${head}\n`);
}

/** A loose object; resolves with its id. */
export async function writeLooseObject(repository: string, format: ObjectFormat, type: ObjectType, body: string | Buffer): Promise<string> {
  const content = Buffer.from(body);
  const whole = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  const oid = createHash(format).update(whole).digest('hex');
  const file = objectFile(repository, oid);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, deflateSync(whole), { mode: 0o444, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return oid;
}

/** The body of a tree with one file. */
export const treeOf = (file: string, blob: string): Buffer => Buffer.concat([Buffer.from(`100644 ${file}\0`), Buffer.from(blob, 'hex')]);

export const commitOf = (tree: string, parents: readonly string[], message: string): string =>
  `tree ${tree}\n${parents.map((oid) => `parent ${oid}\n`).join('')}author ${identity}\ncommitter ${identity}\n\n${message}\n`;

export const tagOf = (oid: string, type: string, name: string): string =>
  `object ${oid}\ntype ${type}\ntag ${name}\ntagger ${identity}\n\n${name}\n`;

/** Copies loose objects: files of their own, so that a test may damage them. */
export async function copyLooseObjects(from: string, to: string, oids: Iterable<string>): Promise<void> {
  for (const oid of oids) {
    await mkdir(dirname(objectFile(to, oid)), { recursive: true });
    await copyFile(objectFile(from, oid), objectFile(to, oid));
  }
}

/** Loose refs; a value is an id, or `ref: NAME` for a symbolic one. */
export async function writeLooseRefs(repository: string, refs: Readonly<Record<string, string>>): Promise<void> {
  for (const [ref, value] of Object.entries(refs)) {
    await mkdir(dirname(join(repository, ref)), { recursive: true });
    await writeFile(join(repository, ref), `${value}\n`, { flag: 'wx' });
  }
}
