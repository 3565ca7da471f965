/** Objects by content: their ids, which are computed here and never believed, and what commits and tags name (gitformat-commit, git-mktag(1)). */
import { createHash } from 'node:crypto';
import { type ObjectFormat, type Oid, oidLength } from '../object-id.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** The id that git gives to this content. */
export function objectId(type: ObjectType, content: Uint8Array, format: ObjectFormat): Oid {
  return createHash(format).update(`${type} ${content.length}\0`).update(content).digest('hex');
}

/**
 * A commit's parents as git reads them: the lines right after the tree's, and none further down. undefined = this is no commit.
 * What stands elsewhere (in a signature, in a merged tag, behind the author) is no parent, although it may look like one.
 */
export function parentsOf(commit: Buffer, format: ObjectFormat): Oid[] | undefined {
  const digits = oidLength[format];
  let at = 0;
  const take = (word: string): Oid | undefined => {
    const start = at + word.length;
    const end = start + digits;
    if (commit.toString('latin1', at, start) !== word || commit[end] !== newline) return undefined;
    const oid = commit.toString('latin1', start, end);
    if (!/^[0-9a-f]+$/.test(oid)) return undefined;
    at = end + 1;
    return oid;
  };
  if (take('tree ') === undefined) return undefined;
  const parents: Oid[] = [];
  for (let parent = take('parent '); parent !== undefined; parent = take('parent ')) parents.push(parent);
  return parents;
}

export interface NamedByTag {
  readonly oid: Oid;
  readonly type: ObjectType;
}

/** What a tag object names: its first two lines. undefined = this is no tag. */
export function namedByTag(tag: Buffer, format: ObjectFormat): NamedByTag | undefined {
  const lines = new RegExp(`^object ([0-9a-f]{${oidLength[format]}})\\ntype (commit|tree|blob|tag)\\n`);
  const match = lines.exec(tag.toString('latin1', 0, 200));
  return match === null ? undefined : { oid: match[1] ?? '', type: match[2] as ObjectType };
}

const newline = 0x0a;
