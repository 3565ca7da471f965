/** A client made for GitLab, @gitbeaker/rest, works with the API as it is. */
import { Gitlab } from '@gitbeaker/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
let gitlab: InstanceType<typeof Gitlab<false>>;
beforeAll(async () => {
  api = await startTestApi();
  gitlab = new Gitlab({ host: api.origin, token: api.ownerToken });
});
afterAll(() => api.close());

describe('@gitbeaker/rest', () => {
  it('manages projects', async () => {
    const made = await gitlab.Projects.create({ path: 'beaker/app', repositoryUrl: 'https://git.example.org/beaker.git' } as never);
    expect(made.path_with_namespace).toBe('beaker/app');
    expect((await gitlab.Projects.show('beaker/app')).id).toBe(made.id);
    expect((await gitlab.Projects.edit(made.id, { path: 'beaker/renamed' })).path_with_namespace).toBe('beaker/renamed');
    await gitlab.Projects.create({ path: 'beaker/two', repositoryUrl: 'https://git.example.org/two.git' } as never);
    await gitlab.Projects.create({ path: 'beaker/three', repositoryUrl: 'https://git.example.org/three.git' } as never);
    const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name).sort();
    expect(names(await gitlab.Projects.all({ perPage: 1 }))).toEqual(['renamed', 'three', 'two']);
    expect(names(await gitlab.Projects.all<false, 'keyset'>({ perPage: 2, pagination: 'keyset', orderBy: 'id', sort: 'asc' }))).toEqual([
      'renamed',
      'three',
      'two',
    ]);
    await gitlab.Projects.remove('beaker/two');
    expect(names(await gitlab.Projects.all())).toEqual(['renamed', 'three']);
    await expect(gitlab.Projects.show('beaker/two')).rejects.toMatchObject({ cause: { description: '404 Project Not Found' } });
  });

  it('manages push mirrors', async () => {
    const { id, path } = await api.newProject();
    const mirrors = gitlab.ProjectRemoteMirrors;
    const made = await mirrors.createPushMirror(path, 'https://me:token-1@m.example.org/a.git', { enabled: true, keepDivergentRefs: true });
    expect(made).toMatchObject({ enabled: true, keep_divergent_refs: true, url: 'https://*****:*****@m.example.org/a.git' });
    expect(await mirrors.show(path, made.id)).toMatchObject({ id: made.id });
    expect(await mirrors.edit(path, made.id, { enabled: false, onlyProtectedBranches: true })).toMatchObject({
      enabled: false,
      only_protected_branches: true,
    });
    expect((await mirrors.all(id)).map((mirror) => mirror.id)).toEqual([made.id]);
    await expect(mirrors.sync(id, made.id)).rejects.toThrow('Cannot proceed with the push mirroring');
    await mirrors.edit(id, made.id, { enabled: true });
    await mirrors.sync(id, made.id);
    await mirrors.remove(id, made.id);
    expect(await mirrors.all(id)).toEqual([]);
  });

  it('manages pull mirrors', async () => {
    const { id } = await api.newProject();
    await gitlab.Projects.createPullMirror(id, 'https://up.example.org/a.git', true);
    expect(await gitlab.Projects.showPullMirror(id)).toMatchObject({ enabled: true, url: 'https://up.example.org/a.git' });
    await gitlab.ProjectRemoteMirrors.createPullMirror(id, 'https://up.example.org/b.git', false, { onlyProtectedBranches: true });
    expect(await gitlab.Projects.showPullMirror(id)).toMatchObject({ enabled: false, only_mirror_protected_branches: true });
  });

  it('manages protected branches, whose names it puts into the query', async () => {
    const { id } = await api.newProject();
    const made = await gitlab.ProtectedBranches.create(id, 'release/*', { pushAccessLevel: 40, allowedToMerge: [{ user_id: 1 }] } as never);
    expect(made).toMatchObject({ name: 'release/*' });
    expect(await gitlab.ProtectedBranches.show(id, 'release/*')).toMatchObject({ id: made.id });
    expect((await gitlab.ProtectedBranches.all(id)).map(({ name }) => name)).toEqual(['release/*']);
    await gitlab.ProtectedBranches.remove(id, 'release/*');
    expect(await gitlab.ProtectedBranches.all(id)).toEqual([]);
  });

  it('asks for user, version and settings', async () => {
    expect((await gitlab.Users.showCurrentUser()).username).toBe('root');
    expect((await gitlab.ApplicationSettings.edit({ silentModeEnabled: true } as never))['silent_mode_enabled']).toBe(true);
    expect((await gitlab.PersonalAccessTokens.show()).name).toBe('root');
  });
});
