import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, refsOf } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';
import { endAt, type RemoteEnd, syncEnds } from '../support/ssh-sync.ts';
import { type Gitolite, startGitolite } from './gitolite.ts';

const rules = [
  ...['repo gitolite-admin', '  RW+ = admin'],
  ...['repo group/project', '  R = mirror'],
  ...['repo group/mirror', '  RW+ = mirror'],
  ...['repo group/guarded', '  - refs/heads/locked = mirror', '  RW+ = mirror'],
  ...['repo group/secret', '  RW+ = admin'],
];

describe.runIf(isAvailable('sshd') && isAvailable('gitolite'))('gitolite', () => {
  let gitolite: Gitolite;
  let source: string;

  beforeAll(async () => {
    gitolite = await startGitolite(rules);
    source = gitolite.repository('group/project');
    const tree = await git(source, ['mktree'], { input: '' });
    const commit = await git(source, ['commit-tree', tree, '-m', 'first']);
    for (const branch of ['main', 'locked', 'side']) await git(source, ['update-ref', `refs/heads/${branch}`, commit]);
    await git(source, ['symbolic-ref', 'HEAD', 'refs/heads/main']);
    await git(source, ['tag', '-a', '-m', 'first', 'v1', commit]);
  });

  afterAll(async () => {
    await gitolite.sshd.close();
    await rm(gitolite.sshd.folder, { recursive: true, force: true });
  });

  /** As gitolite names repositories: no folder, no `.git`. */
  const at = (name: string): RemoteEnd => endAt(gitolite.sshd, `/${name}`);

  it('is mirrored from and to, follows a deletion, and then there is nothing to do', async () => {
    const target = gitolite.repository('group/mirror');
    const run = () => syncEnds(at('group/project'), at('group/mirror.git'));
    expect(await run()).toMatchObject({ outcome: 'success', error: null, counts: { created: 4 } });
    await git(source, ['update-ref', '-d', 'refs/heads/side']);
    await git(target, ['symbolic-ref', 'HEAD', 'refs/heads/main']);
    expect(await run()).toMatchObject({ outcome: 'success', counts: { created: 0, deleted: 1 } });
    expect(await refsOf(target)).toEqual(await refsOf(source));
    await git(target, ['fsck', '--strict']);
    expect(await run()).toMatchObject({ outcome: 'success', refs: [], bytes: 0 });
  });

  it('that guards a branch refuses that one, in its own words, and the rest moves', async () => {
    const outcome = await syncEnds(at('group/project'), at('group/guarded'));
    expect(outcome).toMatchObject({ outcome: 'partial', counts: { rejected: 1 } });
    const locked = outcome.refs.find(({ result }) => result === 'rejected');
    expect(locked?.ref).toBe('refs/heads/locked');
    expect(locked?.reason).toContain('refs/heads/locked group/guarded mirror DENIED');
    const { 'refs/heads/locked': _, ...others } = await refsOf(source);
    expect(await refsOf(gitolite.repository('group/guarded'))).toEqual(others);
  });

  it.each([
    ['the target may not be written', 'group/project', 'group/project', 'W any group/project mirror DENIED'],
    ['the target may not be seen', 'group/project', 'group/secret', 'W any group/secret mirror DENIED'],
    ['the source may not be seen', 'group/secret', 'group/mirror', 'R any group/secret mirror DENIED'],
    ['the source is not there', 'group/none', 'group/mirror', 'R any group/none mirror DENIED'],
    ['the name is none', 'group/x y', 'group/mirror', 'invalid repo name'],
  ])('refuses by code and in its own words when %s', async (_name, source, target, words) => {
    const outcome = await syncEnds(at(source.replace(' ', '%20')), at(target));
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'repository_not_found', message: expect.stringContaining(words) } });
    expect(outcome.error?.hint).toContain('read-only');
  });
});
