import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newProjectItem } from '../../../lib/aws/projects/project-item.ts';
import { claimPath, confirmPath, heldPath, releasePath } from '../../../lib/aws/projects/project-path.ts';
import { createProjectRecords } from '../../../lib/aws/projects/project-records.ts';
import { createRecordTable, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let table: RecordTable;

beforeAll(async () => {
  aws = await startTestAws();
  table = createRecordTable({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
});
afterAll(() => aws.close());

const putProject = (id: number, path: string) => table.put(newProjectItem(id, sampleProject({ path }), 1));

/** The table, with something else happening between the look for the holder's project and what is written after it. */
function withInterference(happens: () => Promise<unknown>): RecordTable {
  return {
    ...table,
    async get(key) {
      const item = await table.get(key);
      if (key.sk === 'PROJECT') await happens();
      return item;
    },
  };
}

describe('a claim on a path', () => {
  it('that is taken over before its project is there is not confirmed, and cannot release the other', async () => {
    const first = (await claimPath(table, 'g/slow', 1001))!;
    const second = (await claimPath(table, 'g/slow', 1002))!;
    await putProject(1001, 'g/slow');
    expect(await confirmPath(table, first)).toBe(false);
    await releasePath(table, first);
    await putProject(1002, 'g/slow');
    expect(await confirmPath(table, second)).toBe(true);
    expect(await table.get(keys.path('g/slow'))).toMatchObject({ project_id: 1002 });
  });

  it('that is confirmed while another looks is not taken over', async () => {
    const first = (await claimPath(table, 'g/quick', 1003))!;
    const other = withInterference(async () => {
      await putProject(1003, 'g/quick');
      expect(await confirmPath(table, first)).toBe(true);
    });
    expect(await claimPath(other, 'g/quick', 1004)).toBeUndefined();
    expect(await table.get(keys.path('g/quick'))).toMatchObject({ project_id: 1003 });
  });

  it('is refused while its project has the path, and given when the project has another', async () => {
    const first = (await claimPath(table, 'g/held', 1005))!;
    await putProject(1005, 'G/Held');
    await confirmPath(table, first);
    expect(await claimPath(table, 'g/HELD', 1006)).toBeUndefined();
    await putProject(1005, 'g/elsewhere');
    expect(await claimPath(table, 'g/held', 1006)).toMatchObject({ path: 'g/held' });
    expect(await heldPath(table, 'g/held', 1005)).toBeUndefined();
    expect(await heldPath(table, 'g/held', 1006)).toMatchObject({ path: 'g/held' });
  });
});

describe('a project whose path is taken over while it is made', () => {
  it('is undone', async () => {
    const records = createProjectRecords({
      ...table,
      async put(item, condition) {
        if (item['sk'] === 'PROJECT') await claimPath(table, 'g/contested', 1007);
        return table.put(item, condition);
      },
    });
    expect(await records.create(sampleProject({ path: 'g/contested' }), 1)).toBeUndefined();
    const page = { condition: { expression: 'pk = :pk', values: { ':pk': `PROJECT#${await table.lastId('project')}` } } };
    expect(await table.all(page)).toEqual([]);
  });

  it('keeps the path it had when it was being renamed', async () => {
    const project = (await createProjectRecords(table).create(sampleProject({ path: 'g/before' }), 1))!;
    const records = createProjectRecords({
      ...table,
      async update(key, parts, condition) {
        if (key.sk === 'PROJECT' && condition.includes('#path = :path')) await claimPath(table, 'g/after', 1008);
        return table.update(key, parts, condition);
      },
    });
    expect(await records.update(project.id, { path: 'g/after' })).toBe('path_taken');
    expect(await records.getByPath('g/before')).toEqual(project);
  });

  it('leaves nothing of its former path once it is renamed', async () => {
    const records = createProjectRecords(table);
    const project = (await records.create(sampleProject({ path: 'g/one' }), 1))!;
    await records.update(project.id, { path: 'g/two' });
    expect(await table.get(keys.path('g/one'))).toBeUndefined();
    expect(await table.get(keys.path('g/two'))).toMatchObject({ project_id: project.id });
  });
});
