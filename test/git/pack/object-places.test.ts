import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { placesOf } from '../../../lib/git/pack/object-places.ts';
import { codeOf } from '../../support/byte-streams.ts';
import { commitTo } from '../../support/commit-to.ts';
import { git, temporaryFolder } from '../../support/git.ts';
import { commitContent, copyingDelta, makePack } from '../../support/made-pack.ts';

const never = new AbortController().signal;

describe('the place of an object in a small pack', () => {
  it('is the commit that brings it in, and its path there', async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const path = join(folder.path, 'repo.git');
    await git(folder.path, ['init', '--quiet', '--bare', '--initial-branch=main', path]);
    const old = await commitTo(path, { 'a.txt': 'a' });
    const tip = await commitTo(path, { 'a.txt': 'a', 'deep/er/b.txt': 'b' });
    const name = await git(path, ['pack-objects', '-q', '--revs', join(folder.path, 'small')], { input: `${tip}\n^${old}\n` });
    const bytes = await readFile(join(folder.path, `small-${name}.pack`));
    const [known, added] = [await git(path, ['rev-parse', `${tip}:a.txt`]), await git(path, ['rev-parse', `${tip}:deep/er/b.txt`])];
    const folderOf = await git(path, ['rev-parse', `${tip}:deep`]);
    const pack = { bytes, objects: bytes.readUInt32BE(8), format: 'sha1' } as const;
    expect(Object.fromEntries(await placesOf([added, known, folderOf, tip, 'f'.repeat(40)], pack, never))).toEqual({
      [added]: { commit: tip, path: 'deep/er/b.txt' },
      [known]: { commit: tip, path: 'a.txt' },
      [folderOf]: { commit: tip, path: 'deep' },
      [tip]: { commit: tip, path: undefined },
    });
  });

  it('is not looked for in a pack that cannot be read whole', async () => {
    const strange = makePack([
      { type: 'commit', content: commitContent([]) },
      { type: 'ref-delta', content: copyingDelta(10, 5, 2), baseName: 'a'.repeat(40) },
    ]);
    expect(await codeOf(placesOf([], { bytes: strange, objects: 2, format: 'sha1' }, never))).toBe('pack_corrupt');
  });
});
