import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { createRecordTable, exists, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { updateExpression } from '../../../lib/aws/table/update-expression.ts';
import { systemClock } from '../../../lib/core/clock.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { sampleMirror, sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let table: RecordTable;
let records: Records;
const now = Date.now();

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock };
  table = createRecordTable(input);
  records = createRecords(input);
});
afterAll(() => aws.close());

async function newCredential(): Promise<number> {
  return (await records.credentials.create({ name: 'c', secretName: 's', createdAt: now, updatedAt: now })).id;
}
const shared = (credentialId: number) => ({ kind: 'shared', credentialId }) as const;

async function newProject(credentialId?: number, repositoryUrl = 'https://git.example/x.git'): Promise<number> {
  const credential = credentialId === undefined ? null : shared(credentialId);
  return (await records.projects.create(sampleProject({ credential, repositoryUrl }), now))!.id;
}
async function newMirror(projectId: number, credentialId: number, url = 'https://mirror.example/x.git'): Promise<Mirror> {
  const settings = sampleMirror({ credential: shared(credentialId), url });
  return (await records.mirrors.create(projectId, 'push', settings, { now, dueAt: now })) as Mirror;
}
const credentialOf = async (key: MirrorKey) => (await records.mirrors.get(key))?.credential;
const keyOf = ({ projectId, mirror }: MirrorKey): MirrorKey => ({ projectId, mirror });
const sorted = (found: readonly MirrorKey[]) => [...found].sort((one, other) => Number(one.mirror) - Number(other.mirror));

describe('transferring a credential', () => {
  it('reaches every mirror and project that uses it, and no other', async () => {
    const [from, to, other] = [await newCredential(), await newCredential(), await newCredential()];
    const projects = await Promise.all([newProject(from), newProject(from), newProject(other), newProject()]);
    const mirrors: Mirror[] = [];
    // More than one page of the index.
    for (let index = 0; index < 130; index++) mirrors.push(await newMirror(projects[index % 4]!, from));
    const untouched = await newMirror(projects[0]!, other);
    expect(await records.mirrors.usesOfCredential(from)).toBe(132);

    const moved = await records.mirrors.transferCredential(from, to);
    expect(sorted(moved.mirrors)).toEqual(sorted(mirrors.map(keyOf)));
    expect([...moved.projects].sort()).toEqual([projects[0], projects[1]].sort());
    for (const mirror of mirrors) expect(await credentialOf(mirror)).toEqual(shared(to));
    expect((await records.projects.get(projects[0]!))?.credential).toEqual(shared(to));
    expect((await records.projects.get(projects[2]!))?.credential).toEqual(shared(other));
    expect(await credentialOf(untouched)).toEqual(shared(other));
    expect(await records.mirrors.usesOfCredential(from)).toBe(0);
    expect(await records.mirrors.usesOfCredential(to)).toBe(132);
    expect(await records.mirrors.transferCredential(from, to)).toEqual({ mirrors: [], projects: [] });
  });

  it('can be limited to a host, whatever its case and port', async () => {
    const [from, to] = [await newCredential(), await newCredential()];
    const here = await newProject(from, 'ssh://git@Git.Example:2222/x.git');
    const elsewhere = await newProject(from, 'https://other.example/git.example');
    const onHost = await Promise.all(
      ['https://git.example/a.git', 'https://git.example:8443/a.git', 'ssh://git@GIT.example/a.git'].map((url) =>
        newMirror(here, from, url),
      ),
    );
    const off = await Promise.all(
      ['https://xgit.example/a.git', 'https://git.example.org/a.git'].map((url) => newMirror(elsewhere, from, url)),
    );
    const moved = await records.mirrors.transferCredential(from, to, { host: 'GIT.EXAMPLE' });
    expect(sorted(moved.mirrors)).toEqual(sorted(onHost.map(keyOf)));
    expect(moved.projects).toEqual([here]);
    for (const mirror of off) expect(await credentialOf(mirror)).toEqual(shared(from));
  });

  it('resets and un-pauses the mirrors, and the failing ones of a changed project', async () => {
    const [from, to] = [await newCredential(), await newCredential()];
    const projectId = await newProject(from);
    const plain = sampleMirror();
    const own = await newMirror(projectId, from);
    const paused = (await records.mirrors.create(projectId, 'push', plain, { now, dueAt: now })) as Mirror;
    const healthy = (await records.mirrors.create(projectId, 'push', plain, { now, dueAt: now })) as Mirror;
    const failed = { update_status: 'failed', paused: true, failed_runs: 20, due_at: null };
    for (const mirror of [own, paused]) await table.update(keys.mirror(mirror), updateExpression(failed), exists);
    await table.update(keys.mirror(healthy), updateExpression({ update_status: 'finished' }), exists);
    await records.mirrors.transferCredential(from, to);
    for (const mirror of [own, paused]) {
      const after = await records.mirrors.get(mirror);
      expect(after).toMatchObject({ updateStatus: 'none', paused: false, failedRuns: 0 });
      expect(after?.dueAt).toBeGreaterThan(now);
    }
    expect(await records.mirrors.get(healthy)).toMatchObject({ updateStatus: 'finished' });
  });

  it('does nothing when both are the same, or nobody uses it', async () => {
    const credential = await newCredential();
    const mirror = await newMirror(await newProject(), credential);
    expect(await records.mirrors.transferCredential(credential, credential)).toEqual({ mirrors: [], projects: [] });
    expect(await records.mirrors.transferCredential(999_999, credential)).toEqual({ mirrors: [], projects: [] });
    expect(await credentialOf(mirror)).toEqual(shared(credential));
  });

  it('leaves alone what somebody points elsewhere at the same time', async () => {
    const [from, to, third] = [await newCredential(), await newCredential(), await newCredential()];
    const projectId = await newProject();
    const mirrors = await Promise.all(Array.from({ length: 10 }, () => newMirror(projectId, from)));
    await Promise.all([
      records.mirrors.transferCredential(from, to),
      ...mirrors.map((mirror) => records.mirrors.update(mirror, { credential: shared(third) }, { resetStatus: true })),
    ]);
    for (const mirror of mirrors) expect(await credentialOf(mirror)).toEqual(shared(third));
    expect(await records.mirrors.usesOfCredential(from)).toBe(0);
  });
});
