import { describe, expect, it } from 'vitest';
import { chooseMirrors, filterMirrors } from '../../lib/webhook/choose-mirrors.ts';
import { aMirror, aProject } from './samples.ts';

const repositories = ['https://git.example.com/tools/anvil.git'];
const push = (refs: readonly string[] | undefined) => ({ kind: 'push' as const, name: 'push', repositories, refs });

describe('chooseMirrors', () => {
  it.each([
    ['ping', 'project'],
    ['other', 'project'],
  ] as const)('asks nobody for a %s, but knows whose it is', async (kind, of) => {
    const contents = { project: aProject(), mirrors: [aMirror()], hooks: [] };
    const choice = await chooseMirrors({ kind, name: kind, repositories, refs: undefined }, contents);
    expect(choice).toMatchObject({ of, keys: [] });
    expect(choice.reason).toBeDefined();
  });

  it('asks the mirrors that are switched on, by key', async () => {
    const mirrors = [aMirror({ id: 7 }), aMirror({ id: 8, enabled: false }), aMirror({ id: 9, paused: true }), aMirror({ id: 10 })];
    const choice = await chooseMirrors(push(undefined), { project: aProject(), mirrors, hooks: [] });
    expect(choice.keys).toEqual([
      { projectId: 1, mirror: 7 },
      { projectId: 1, mirror: 10 },
    ]);
  });

  it('gives every reason once', async () => {
    const mirrors = [aMirror({ id: 7, enabled: false }), aMirror({ id: 8, enabled: false }), aMirror({ id: 9, paused: true })];
    const { reason } = await chooseMirrors(push(undefined), { project: aProject(), mirrors, hooks: [] });
    expect(reason?.split('; ')).toHaveLength(2);
  });
});

describe('filterMirrors', () => {
  const protectedBranches = [
    { id: 1, name: 'main' },
    { id: 2, name: 'release/*' },
  ];
  it.each([
    ['no rules, a branch', {}, ['refs/heads/x'], true],
    ['no rules, a tag', {}, ['refs/tags/x'], true],
    ['no rules, refs not told', {}, undefined, true],
    ['no rules, a pull request', {}, ['refs/pull/1/head'], false],
    ['no rules, a pull request and a branch', {}, ['refs/pull/1/head', 'refs/heads/x'], true],
    ['no rules, a folder without a name', {}, ['refs/heads/'], false],
    ['protected branches only, one of them', { onlyProtectedBranches: true }, ['refs/heads/main'], true],
    ['protected branches only, one of a pattern', { onlyProtectedBranches: true }, ['refs/heads/release/1/2'], true],
    ['protected branches only, another', { onlyProtectedBranches: true }, ['refs/heads/topic'], false],
    ['protected branches only, another and one', { onlyProtectedBranches: true }, ['refs/heads/topic', 'refs/heads/main'], true],
    ['protected branches only, a tag', { onlyProtectedBranches: true }, ['refs/tags/topic'], true],
    ['protected branches only, refs not told', { onlyProtectedBranches: true }, undefined, true],
    ['a branch regex that fits', { mirrorBranchRegex: '^rel' }, ['refs/heads/rel-1'], true],
    ['a branch regex that does not', { mirrorBranchRegex: '^rel' }, ['refs/heads/my-rel'], false],
    ['a branch regex and a tag', { mirrorBranchRegex: '^rel' }, ['refs/tags/x'], true],
    ['no tags, a tag', { mirrorTags: 'none' }, ['refs/tags/v1'], false],
    ['no tags, a branch', { mirrorTags: 'none' }, ['refs/heads/x'], true],
    ['a tag regex that fits', { mirrorTags: '^v' }, ['refs/tags/v1'], true],
    ['a tag regex that does not', { mirrorTags: '^v' }, ['refs/tags/x1'], false],
    ['a regex that cannot be read: the run will tell', { mirrorBranchRegex: '(' }, ['refs/heads/x'], true],
  ] as const)('%s', async (_, settings, refs, isAsked) => {
    const mirror = aMirror(settings);
    const { keys, reason } = await filterMirrors([mirror], refs, {
      project: aProject({ protectedBranches }),
      mirrors: [mirror],
      hooks: [],
    });
    expect(keys.length === 1).toBe(isAsked);
    expect(reason === undefined).toBe(isAsked);
  });
});
