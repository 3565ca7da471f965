import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { createRecordTable, exists, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { updateExpression } from '../../../lib/aws/table/update-expression.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { sampleMirror, sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let table: RecordTable;
let records: Records;
const now = 1_700_000_000_000;

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock };
  table = createRecordTable(input);
  records = createRecords(input);
});
afterAll(() => aws.close());

async function newProject(changes = {}) {
  const project = await records.projects.create(sampleProject(changes), now);
  if (project === undefined) throw new Error('the path is taken');
  return project;
}

describe('a project', () => {
  it('is what it was created as, found by id and by path in any case', async () => {
    const settings = sampleProject({
      path: 'Group/Sub.Group/Näme',
      credential: { kind: 'own', secretName: 'a/secret' },
      hostKeys: ['host ssh-ed25519 AAAA'],
    });
    const project = await records.projects.create(settings, now);
    expect(project).toEqual({ ...settings, id: expect.any(Number), defaultBranch: null, protectedBranches: [], createdAt: now });
    expect(await records.projects.get(project!.id)).toEqual(project);
    expect(await records.projects.getByPath('group/SUB.group/näme')).toEqual(project);
  });

  it.each([
    ['an unknown id', () => records.projects.get(999_999)],
    ['an unknown path', () => records.projects.getByPath('no/such')],
    ['the contents of an unknown project', () => records.projects.contents(999_999)],
    ['a change of an unknown project', () => records.projects.update(999_999, { authMethod: 'password' })],
    ['a change of the path of an unknown project', () => records.projects.update(999_999, { path: 'no/where' })],
    ['a change of nothing of an unknown project', () => records.projects.update(999_999, {})],
    ['a protected branch of an unknown project', () => records.projects.protectBranch(999_999, 'main')],
    ['the deletion of an unknown project', () => records.projects.delete(999_999)],
  ])('answers undefined to %s, and brings nothing to life', async (_case, call) => {
    expect(await call()).toBeUndefined();
    expect(await table.get(keys.project(999_999))).toBeUndefined();
  });

  it('changes only what is given, and removes a credential', async () => {
    const project = await newProject({ credential: { kind: 'shared', credentialId: 7 } });
    const other = await records.projects.update(project.id, { repositoryUrl: 'https://other.example/x.git', credential: null });
    expect(other).toEqual({ ...project, repositoryUrl: 'https://other.example/x.git', credential: null });
    expect(await records.projects.update(project.id, {})).toEqual(other);
    const own = await records.projects.update(project.id, { credential: { kind: 'own', secretName: 's' } });
    expect(own).toMatchObject({ credential: { kind: 'own', secretName: 's' } });
  });

  it('takes note of its default branch, not of that of a project that is gone', async () => {
    const project = await newProject();
    await records.projects.noteDefaultBranch(project.id, 'main');
    await records.projects.noteDefaultBranch(project.id, 'main');
    expect((await records.projects.get(project.id))?.defaultBranch).toBe('main');
    await records.projects.noteDefaultBranch(project.id, 'trunk');
    expect((await records.projects.get(project.id))?.defaultBranch).toBe('trunk');
    await records.projects.noteDefaultBranch(999_999, 'main');
    expect(await records.projects.get(999_999)).toBeUndefined();
  });
});

describe('the path of a project', () => {
  it('is unique without regard to case', async () => {
    const project = await newProject({ path: 'unique/path' });
    expect(await records.projects.create(sampleProject({ path: 'Unique/PATH' }), now)).toBeUndefined();
    expect(await records.projects.getByPath('unique/path')).toEqual(project);
  });

  it('is given to exactly one of many who ask for it at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 12 }, () => records.projects.create(sampleProject({ path: 'wanted/by-many' }), now)),
    );
    const winners = made.filter((project) => project !== undefined);
    expect(winners).toHaveLength(1);
    expect(await records.projects.getByPath('wanted/by-many')).toEqual(winners[0]);
  });

  it('can be had again after a creation that ended between path and project', async () => {
    await table.put({ ...keys.path('left/behind'), project_id: 888_888, mark: 'a crash' });
    const both = await Promise.all([
      records.projects.create(sampleProject({ path: 'left/behind' }), now),
      records.projects.create(sampleProject({ path: 'left/behind' }), now),
    ]);
    const winners = both.filter((project) => project !== undefined);
    expect(winners).toHaveLength(1);
    expect(await records.projects.getByPath('left/behind')).toEqual(winners[0]);
  });

  it('can be changed, which frees the one before; to one that is taken it cannot', async () => {
    const project = await newProject({ path: 'before/rename' });
    const renamed = await records.projects.update(project.id, { path: 'after/rename', authMethod: 'ssh_public_key' });
    expect(renamed).toEqual({ ...project, path: 'after/rename', authMethod: 'ssh_public_key' });
    expect(await records.projects.getByPath('before/rename')).toBeUndefined();
    expect(await records.projects.getByPath('after/rename')).toEqual(renamed);
    const other = await newProject({ path: 'before/rename' });
    expect(await records.projects.update(other.id, { path: 'AFTER/rename' })).toBe('path_taken');
    expect(await records.projects.get(other.id)).toEqual(other);
    // There and back again.
    expect(await records.projects.update(project.id, { path: 'before/RENAME' })).toBe('path_taken');
    expect(await records.projects.update(project.id, { path: 'x/y' })).toMatchObject({ path: 'x/y' });
    expect(await records.projects.update(project.id, { path: 'after/rename' })).toMatchObject({ path: 'after/rename' });
    expect(await records.projects.getByPath('x/y')).toBeUndefined();
  });

  it('can be changed in its case', async () => {
    const project = await newProject({ path: 'case/only' });
    expect(await records.projects.update(project.id, { path: 'Case/Only' })).toMatchObject({ path: 'Case/Only' });
    expect((await records.projects.getByPath('case/only'))?.path).toBe('Case/Only');
  });

  it('is one in the end, whatever renames happen at once', async () => {
    const project = await newProject({ path: 'race/start' });
    const paths = Array.from({ length: 6 }, (_, index) => `race/to-${index}`);
    await Promise.all(paths.map((path) => records.projects.update(project.id, { path })));
    const end = await records.projects.get(project.id);
    expect(paths).toContain(end?.path);
    const found = await Promise.all(['race/start', ...paths].map((path) => records.projects.getByPath(path)));
    expect(found.filter((one) => one !== undefined)).toEqual([end]);
    // And every other is free.
    for (const path of ['race/start', ...paths].filter((one) => one !== end?.path)) await newProject({ path });
  });
});

describe('a counter that was set back', () => {
  it('harms no project: the next creation fails and leaves its path free', async () => {
    const project = await newProject({ path: 'counted/first' });
    await table.update(keys.counter('project'), updateExpression({ last_id: project.id - 1 }), exists);
    await expect(records.projects.create(sampleProject({ path: 'counted/second' }), now)).rejects.toThrow('exists already');
    expect(await records.projects.get(project.id)).toEqual(project);
    expect(await newProject({ path: 'counted/second' })).toMatchObject({ id: project.id + 1 });
  });
});

describe('protected branches', () => {
  it('are added and removed by name, in the order in which they came', async () => {
    const { id } = await newProject();
    const names = ['main', 'release/*', 'a.b[0]#x', '__proto__', 'constructor'];
    for (const name of names) await records.projects.protectBranch(id, name);
    const project = await records.projects.get(id);
    expect(project?.protectedBranches.map(({ name }) => name)).toEqual(names);
    expect(new Set(project?.protectedBranches.map((branch) => branch.id)).size).toBe(names.length);
    expect(await records.projects.protectBranch(id, 'release/*')).toBe('exists');
    expect(await records.projects.unprotectBranch(id, 'release/*')).toBe(true);
    expect(await records.projects.unprotectBranch(id, 'release/*')).toBe(false);
    expect(await records.projects.unprotectBranch(999_999, 'main')).toBe(false);
    expect((await records.projects.get(id))?.protectedBranches.map(({ name }) => name)).toEqual(
      names.filter((name) => name !== 'release/*'),
    );
  });

  it('are all there when many are added at once, and one name only once', async () => {
    const { id } = await newProject();
    const names = Array.from({ length: 20 }, (_, index) => `branch-${index % 10}`);
    const answers = await Promise.all(names.map((name) => records.projects.protectBranch(id, name)));
    expect(answers.filter((answer) => answer === 'exists')).toHaveLength(10);
    expect((await records.projects.get(id))?.protectedBranches).toHaveLength(10);
  });
});

describe('deleting a project', () => {
  it('gives back what was there and leaves nothing but its runs', async () => {
    const project = await newProject({ path: 'to/delete', repositoryUrl: 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/gone' });
    const push = await records.mirrors.create(project.id, 'push', sampleMirror(), { now, dueAt: now });
    const pull = await records.mirrors.create(project.id, 'pull', sampleMirror(), { now, dueAt: now });
    const hook = await records.hooks.create(project.id, { provider: 'github', tokenHash: 'f'.repeat(64) }, now);
    const at = Date.now();
    const move = {
      at,
      mirrorId: 1,
      direction: 'push',
      runId: `${at}-x`,
      ref: 'refs/heads/x',
      result: 'created',
      old: null,
      new: null,
    } as const;
    for (let index = 0; index < 60; index++) await records.activity.add(project.id, `${at}-${index}`, [move]);
    expect(await records.projects.delete(project.id)).toEqual({ project, mirrors: [push, pull], hooks: [hook] });
    expect(await table.all({ condition: { expression: 'pk = :pk', values: { ':pk': keys.project(project.id).pk } } })).toEqual([]);
    expect(await records.projects.getByPath('to/delete')).toBeUndefined();
    expect(await records.projects.ofCodeCommit('eu-west-1', 'gone')).toEqual([]);
    expect(await records.projects.delete(project.id)).toBeUndefined();
    await newProject({ path: 'to/delete' });
  });

  it('is finished by the next try when it was interrupted', async () => {
    const { id } = await newProject();
    await records.mirrors.create(id, 'push', sampleMirror(), { now, dueAt: now });
    await table.remove(keys.project(id));
    expect(await records.projects.delete(id)).toBeUndefined();
    expect(await records.mirrors.ofProject(id)).toEqual([]);
  });

  it('leaves no mirror and no hook that was made at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await newProject();
      const [contents, mirror, hook] = await Promise.all([
        records.projects.delete(id),
        records.mirrors.create(id, 'push', sampleMirror(), { now, dueAt: now }),
        records.hooks.create(id, { provider: 'gitlab', tokenHash: `${id}` }, now),
      ]);
      expect(await records.mirrors.ofProject(id)).toEqual([]);
      expect(await records.hooks.ofProject(id)).toEqual([]);
      // Who made it knows that it is gone, or who deleted it knows that it was there: its secrets have an owner.
      if (mirror !== undefined) expect(contents?.mirrors).toEqual([mirror]);
      if (hook !== undefined) expect(contents?.hooks).toEqual([hook]);
    }
  });
});

describe('the contents of a project', () => {
  it('are read in as many pages as they fill', async () => {
    const { id } = await newProject();
    const hostKeys = Array.from({ length: 10 }, () => 'k'.repeat(20_000));
    const mirrors = [];
    for (let index = 0; index < 8; index++) {
      mirrors.push(await records.mirrors.create(id, 'push', sampleMirror({ hostKeys }), { now, dueAt: now }));
    }
    const contents = await records.projects.contents(id);
    expect(contents?.mirrors).toEqual(mirrors);
    expect(contents?.project.id).toBe(id);
  });
});

describe('a CodeCommit repository', () => {
  const url = (name: string, region = 'us-east-2') => `https://git-codecommit.${region}.amazonaws.com/v1/repos/${name}`;

  it('leads to the projects whose it is and to those that pull from it', async () => {
    const own = await newProject({ repositoryUrl: url('shared') });
    const puller = await newProject();
    await records.mirrors.create(
      puller.id,
      'pull',
      sampleMirror({ url: 'ssh://APKA@git-codecommit.us-east-2.amazonaws.com/v1/repos/shared' }),
      {
        now,
        dueAt: now,
      },
    );
    const pusher = await newProject();
    await records.mirrors.create(pusher.id, 'push', sampleMirror({ url: url('shared') }), { now, dueAt: now });
    expect(await records.projects.ofCodeCommit('us-east-2', 'shared')).toEqual([own.id, puller.id]);
    expect(await records.projects.ofCodeCommit('us-east-1', 'shared')).toEqual([]);
    expect(await records.projects.ofCodeCommit('us-east-2', 'Shared')).toEqual([]);
  });

  it('is found after a change of URL, too', async () => {
    const project = await newProject();
    await records.projects.update(project.id, { repositoryUrl: url('later') });
    const key = { projectId: project.id, mirror: 'pull' } as const;
    await records.mirrors.create(project.id, 'pull', sampleMirror(), { now, dueAt: now });
    await records.mirrors.update(key, { url: url('later', 'eu-north-1') }, { resetStatus: true });
    expect(await records.projects.ofCodeCommit('us-east-2', 'later')).toEqual([project.id]);
    expect(await records.projects.ofCodeCommit('eu-north-1', 'later')).toEqual([project.id]);
  });
});
