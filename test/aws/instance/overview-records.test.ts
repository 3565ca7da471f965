import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { sampleMirror, sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let records: Records;
beforeAll(async () => {
  aws = await startTestAws();
  records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock });
});
afterAll(() => aws.close());

describe('the overview', () => {
  it('tells every mirror and project in a few words, and follows their changes', async () => {
    const project = (await records.projects.create(sampleProject({ path: 'group/app' }), 1))!;
    const made = [];
    for (const direction of ['push', 'push', 'pull'] as const) {
      const mirror = await records.mirrors.create(project.id, direction, sampleMirror(), { now: 1, dueAt: 1 });
      if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
      made.push(mirror);
    }
    const [first, , pull] = made;
    await records.mirrors.update(first!, { enabled: false, url: 'https://other.example/x.git' }, { resetStatus: true });
    const digests = [...(await records.overview.mirrors())].sort((one, other) => one.id - other.id);
    expect(digests).toHaveLength(3);
    expect(digests[0]).toEqual({
      ...{ projectId: project.id, mirror: first?.id, id: first?.id, direction: 'push', url: 'https://other.example/x.git' },
      ...{ enabled: false, paused: false, updateStatus: 'none', lastUpdateAt: null, failingSince: null },
    });
    expect(digests[2]).toMatchObject({ mirror: 'pull', direction: 'pull', id: pull?.id });
    expect(await records.overview.projects()).toEqual([{ id: project.id, path: 'group/app', repositoryUrl: project.repositoryUrl }]);
    const whole = await records.overview.mirrorsOf([...digests, { projectId: 999, mirror: 1 }].reverse());
    expect(whole.map(({ id }) => id)).toEqual(made.map(({ id }) => id).reverse());
    await records.projects.delete(project.id);
    expect(await records.overview.mirrors()).toEqual([]);
    expect(await records.overview.projects()).toEqual([]);
  });
});
