import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { Hook } from '../../../lib/model/hook.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let records: Records;
let projectId: number;
const now = 1_700_000_000_000;

beforeAll(async () => {
  aws = await startTestAws();
  records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock });
  projectId = (await records.projects.create(sampleProject(), now))!.id;
});
afterAll(() => aws.close());

let made = 0;
async function newHook(): Promise<Hook> {
  return (await records.hooks.create(projectId, { provider: 'github', tokenHash: `hash-${++made}` }, now))!;
}
const read = async ({ id }: Hook) => (await records.hooks.ofProject(projectId)).find((hook) => hook.id === id);

describe('a hook', () => {
  it('is what it was created as, among others of its project, and in its contents', async () => {
    const one = await newHook();
    const other = await newHook();
    expect(one).toEqual({
      id: expect.any(Number),
      projectId,
      provider: 'github',
      tokenHash: `hash-${made - 1}`,
      generation: 1,
      previousUntil: null,
      createdAt: now,
      lastDeliveryAt: null,
      lastDeliveryOf: null,
      silentSince: null,
    });
    expect(await records.hooks.ofProject(projectId)).toEqual([one, other]);
    expect((await records.projects.contents(projectId))?.hooks).toEqual([one, other]);
  });

  it('is not created in a project that is not there', async () => {
    expect(await records.hooks.create(999_999, { provider: 'gitlab', tokenHash: 'x' }, now)).toBeUndefined();
    expect(await records.hooks.ofProject(999_999)).toEqual([]);
  });

  it('goes one generation on with each rotation, also of many at once', async () => {
    const hook = await newHook();
    expect(await records.hooks.rotate(projectId, hook.id, now + 5)).toEqual({ ...hook, generation: 2, previousUntil: now + 5 });
    const rotated = await Promise.all(Array.from({ length: 6 }, (_, index) => records.hooks.rotate(projectId, hook.id, now + 10 + index)));
    expect(rotated.map((one) => one?.generation).sort()).toEqual([3, 4, 5, 6, 7, 8]);
    expect((await read(hook))?.generation).toBe(8);
    expect(await records.hooks.rotate(projectId, 999_999, now)).toBeUndefined();
  });

  it('notes deliveries and whose they were; a ping does not change that', async () => {
    const hook = await newHook();
    await records.hooks.noteDelivery(hook, { now: now + 1, of: 'upstream' });
    expect(await read(hook)).toEqual({ ...hook, lastDeliveryAt: now + 1, lastDeliveryOf: 'upstream' });
    await records.hooks.noteDelivery(hook, { now: now + 2, of: null });
    expect(await read(hook)).toEqual({ ...hook, lastDeliveryAt: now + 2, lastDeliveryOf: 'upstream' });
  });

  it('is silent from the first time on that it should have said something, until the next delivery', async () => {
    const hook = await newHook();
    await records.hooks.noteSilent(hook, now + 1);
    await records.hooks.noteSilent(hook, now + 2);
    expect(await read(hook)).toEqual({ ...hook, silentSince: now + 1 });
    await records.hooks.noteDelivery(hook, { now: now + 3, of: 'project' });
    expect((await read(hook))?.silentSince).toBeNull();
    // It was looked at before that delivery came.
    await records.hooks.noteSilent(hook, now + 4);
    expect((await read(hook))?.silentSince).toBeNull();
    await records.hooks.noteSilent((await read(hook))!, now + 5);
    expect((await read(hook))?.silentSince).toBe(now + 5);
  });

  it('that is deleted stays so, whatever is noted of it', async () => {
    const hook = await newHook();
    expect(await records.hooks.delete(projectId, hook.id)).toBe(true);
    expect(await records.hooks.delete(projectId, hook.id)).toBe(false);
    await records.hooks.noteDelivery(hook, { now, of: 'project' });
    await records.hooks.noteSilent(hook, now);
    expect(await records.hooks.rotate(projectId, hook.id, now)).toBeUndefined();
    expect(await read(hook)).toBeUndefined();
  });
});
