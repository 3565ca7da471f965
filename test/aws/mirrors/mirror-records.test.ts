import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorOfItem } from '../../../lib/aws/mirrors/mirror-item.ts';
import { createMirrorJobs } from '../../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../../lib/aws/records.ts';
import type { Item } from '../../../lib/aws/table/item.ts';
import { createRecordTable, exists, type RecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { updateExpression } from '../../../lib/aws/table/update-expression.ts';
import { type DueMirror, dueShards, type MirrorJobs } from '../../../lib/jobs/mirror-jobs.ts';
import type { Mirror, MirrorKey, MirrorSettings } from '../../../lib/model/mirror.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { createHeldClock } from '../../support/held-clock.ts';
import { sampleMirror, sampleProject } from '../../support/sample-records.ts';

let aws: TestAws;
let table: RecordTable;
let records: Records;
let jobs: MirrorJobs;
const now = 1_700_000_000_000;

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: createHeldClock(now) };
  table = createRecordTable(input);
  records = createRecords(input);
  jobs = createMirrorJobs(input);
});
afterAll(() => aws.close());

async function newProject(): Promise<number> {
  return (await records.projects.create(sampleProject(), now))!.id;
}

async function newMirror(settings: Partial<MirrorSettings> = {}, direction: 'push' | 'pull' = 'push'): Promise<Mirror> {
  const mirror = await records.mirrors.create(await newProject(), direction, sampleMirror(settings), { now, dueAt: now + 5 });
  if (mirror === undefined || mirror === 'exists') throw new Error('not made');
  return mirror;
}

/** As a run, or somebody's hand, left it. */
async function leave(key: MirrorKey, attributes: Item): Promise<void> {
  await table.update(keys.mirror(key), updateExpression(attributes), exists);
}

const failing = {
  update_status: 'failed',
  paused: true,
  failed_runs: 14,
  failing_since: now - 1,
  attempts: 3,
  last_error: { code: 'credentials_refused', message: 'm', hint: 'h' },
  last_update_at: now - 1,
};
const request = { trigger: { kind: 'manual', who: 'x' }, now, startAt: now, confirmDeletions: false, resume: false } as const;

async function allDue(): Promise<DueMirror[]> {
  const due: DueMirror[] = [];
  for (let shard = 0; shard < dueShards; shard++) {
    for await (const mirror of jobs.due(shard, Number.MAX_SAFE_INTEGER)) if ('projectId' in mirror) due.push(mirror);
  }
  return due;
}
const isDue = async ({ projectId, mirror }: MirrorKey) =>
  (await allDue()).some((due) => due.projectId === projectId && due.mirror === mirror);

describe('a mirror', () => {
  it.each(['push', 'pull'] as const)('that is created to %s is what was asked for, and due', async (direction) => {
    const settings = sampleMirror({
      credential: { kind: 'shared', credentialId: 9 },
      hostKeys: ['h ssh-ed25519 AAAA'],
      mirrorBranchRegex: '^main$',
      lfs: 'on',
      mirrorTags: 'none',
    });
    const mirror = await newMirror(settings, direction);
    expect(mirror).toMatchObject({
      ...settings,
      direction,
      createdAt: now,
      updateStatus: 'none',
      dueAt: now + 5,
      requestedSeq: 0,
      paused: false,
    });
    expect(mirror.mirror).toBe(direction === 'pull' ? 'pull' : mirror.id);
    expect(await records.mirrors.get(mirror)).toEqual(mirror);
    expect(await isDue(mirror)).toBe(true);
  });

  it('that is created disabled is not due', async () => {
    const mirror = await newMirror({ enabled: false });
    expect(mirror.dueAt).toBeNull();
    expect(await isDue(mirror)).toBe(false);
  });

  it('is one of many of its project, of which only one pulls', async () => {
    const projectId = await newProject();
    const at = { now, dueAt: now };
    const made = await Promise.all(
      (['push', 'pull', 'push', 'pull', 'pull'] as const).map((direction) =>
        records.mirrors.create(projectId, direction, sampleMirror(), at),
      ),
    );
    expect(made.filter((mirror) => mirror === 'exists')).toHaveLength(2);
    const mirrors = made.filter((mirror) => mirror !== 'exists') as Mirror[];
    expect(new Set(mirrors.map(({ id }) => id)).size).toBe(3);
    expect(await records.mirrors.ofProject(projectId)).toEqual(mirrors.sort((one, other) => one.id - other.id));
  });

  it('is not created in a project that is not there, and no request brings it to life', async () => {
    expect(await records.mirrors.create(999_999, 'push', sampleMirror(), { now, dueAt: now })).toBeUndefined();
    expect(await records.mirrors.ofProject(999_999)).toEqual([]);
  });

  it('that is deleted is gone, and changes do not bring it back', async () => {
    const mirror = await newMirror();
    expect(await records.mirrors.delete(mirror)).toEqual(mirror);
    expect(await records.mirrors.delete(mirror)).toBeUndefined();
    expect(await records.mirrors.update(mirror, { enabled: false }, { resetStatus: true })).toBeUndefined();
    expect(await records.mirrors.get(mirror)).toBeUndefined();
    expect(await isDue(mirror)).toBe(false);
  });

  it('pulls under a new number after its project’s former pull mirror was deleted', async () => {
    const mirror = await newMirror({}, 'pull');
    await records.mirrors.delete(mirror);
    const next = await records.mirrors.create(mirror.projectId, 'pull', sampleMirror(), { now, dueAt: now });
    expect((next as Mirror).id).toBeGreaterThan(mirror.id);
  });
});

describe('changing a mirror', () => {
  it('sets what is given, removes what is null and leaves the rest, also what happened to it', async () => {
    const mirror = await newMirror({ mirrorBranchRegex: 'x', credential: { kind: 'own', secretName: 's' } });
    await leave(mirror, failing);
    const changes = { mirrorBranchRegex: null, onlyProtectedBranches: true, credential: null } as const;
    const before = await records.mirrors.get(mirror);
    const after = await records.mirrors.update(mirror, changes, { resetStatus: false });
    expect(after).toEqual({ ...before, ...changes });
    expect(await records.mirrors.update(mirror, {}, { resetStatus: false })).toEqual(after);
  });

  it('goes from a secret of its own to a shared one and back', async () => {
    const mirror = await newMirror({ credential: { kind: 'own', secretName: 's' } });
    const shared = { kind: 'shared', credentialId: 77_000 + mirror.id } as const;
    expect((await records.mirrors.update(mirror, { credential: shared }, { resetStatus: true }))?.credential).toEqual(shared);
    expect(await records.mirrors.usesOfCredential(shared.credentialId)).toBe(1);
    const own = { kind: 'own', secretName: 't' } as const;
    expect((await records.mirrors.update(mirror, { credential: own }, { resetStatus: true }))?.credential).toEqual(own);
    expect(await records.mirrors.usesOfCredential(shared.credentialId)).toBe(0);
  });

  it('of URL or credentials resets the status, un-pauses, and lets it run even if nobody asks', async () => {
    const mirror = await newMirror();
    await leave(mirror, { ...failing, held_back_deletions: 12, due_at: null });
    const after = await records.mirrors.update(mirror, { url: 'https://new.example/x.git' }, { resetStatus: true });
    expect(after).toMatchObject({
      updateStatus: 'none',
      paused: false,
      failedRuns: 0,
      failingSince: null,
      attempts: 0,
      lastError: null,
      heldBackDeletions: 0,
      lastUpdateAt: now - 1,
      dueAt: now + 60_000,
    });
    expect(await isDue(mirror)).toBe(true);
  });

  it('keeps the guard over held-back deletions unless the URL changes', async () => {
    const mirror = await newMirror();
    await leave(mirror, { held_back_deletions: 12 });
    const settings = { credential: { kind: 'own', secretName: 's' }, url: mirror.url } as const;
    expect((await records.mirrors.update(mirror, settings, { resetStatus: true }))?.heldBackDeletions).toBe(12);
  });

  it('leaves the status of a run under way to the run', async () => {
    const mirror = await newMirror();
    await jobs.request(mirror, request);
    await jobs.acquire(mirror, { token: 't', now });
    await leave(mirror, { update_status: 'started' });
    const after = await records.mirrors.update(mirror, { url: 'https://new.example/x.git' }, { resetStatus: true });
    expect(after).toMatchObject({ updateStatus: 'started', leaseToken: 't' });
  });
});

describe('disabling a mirror', () => {
  it('settles its waiting request and takes it out of the index; enabling makes it take requests again', async () => {
    const mirror = await newMirror();
    await jobs.request(mirror, { ...request, confirmDeletions: true });
    const disabled = await records.mirrors.update(mirror, { enabled: false }, { resetStatus: false });
    expect(disabled).toMatchObject({
      enabled: false,
      queuedAt: null,
      queuedFor: null,
      queuedTrigger: null,
      dueAt: null,
      requestedSeq: 1,
      doneSeq: 1,
    });
    expect(await isDue(mirror)).toBe(false);
    expect(await jobs.request(mirror, request)).toBeUndefined();
    expect(await jobs.acquire(mirror, { token: 't', now })).toBeUndefined();

    const enabled = await records.mirrors.update(mirror, { enabled: true }, { resetStatus: false });
    expect(enabled).toMatchObject({ enabled: true, dueAt: now + 60_000 });
    expect(await jobs.request(mirror, request)).toMatchObject({ queuedAt: null });
    expect(await isDue(mirror)).toBe(true);
    const run = await jobs.acquire(mirror, { token: 't', now });
    // What was confirmed for the settled request does not count for this one.
    expect(run).toMatchObject({ leaseToken: 't', startedSeq: 2, runConfirmDeletions: false });
  });

  it('leaves a run under way in the index, so that a dead worker is found', async () => {
    const mirror = await newMirror();
    await jobs.request(mirror, request);
    await jobs.acquire(mirror, { token: 't', now });
    await jobs.request(mirror, request);
    const disabled = await records.mirrors.update(mirror, { enabled: false }, { resetStatus: false });
    expect(disabled).toMatchObject({ enabled: false, leaseToken: 't', queuedAt: null, dueAt: expect.any(Number) });
    expect(await jobs.renew(mirror, 't')).toBe(true);
    await jobs.release(mirror, 't', { status: { updateStatus: 'finished' }, now, nextDueAt: now + 1, followUpAt: now });
    expect(await jobs.acquire(mirror, { token: 'u', now })).toBeUndefined();
    const due = (await allDue()).find(({ projectId }) => projectId === mirror.projectId)!;
    expect(await jobs.retire(due)).toBe(true);
    expect(await records.mirrors.get(mirror)).toMatchObject({ dueAt: null, queuedAt: null, leaseToken: null });
  });

  it('does not make a paused mirror due when it is enabled again', async () => {
    const mirror = await newMirror();
    await leave(mirror, { ...failing, due_at: null });
    await records.mirrors.update(mirror, { enabled: false }, { resetStatus: false });
    const enabled = await records.mirrors.update(mirror, { enabled: true }, { resetStatus: false });
    expect(enabled).toMatchObject({ paused: true, dueAt: null });
  });

  it('loses to no request and no worker: whatever happens at once, nothing waits in a disabled mirror', async () => {
    for (let round = 0; round < 6; round++) {
      const mirror = await newMirror();
      await Promise.all([
        ...Array.from({ length: 5 }, () => jobs.request(mirror, request)),
        records.mirrors.update(mirror, { enabled: false }, { resetStatus: false }),
        ...Array.from({ length: 5 }, () => jobs.request(mirror, request)),
      ]);
      const end = await records.mirrors.get(mirror);
      expect(end).toMatchObject({ enabled: false, queuedAt: null, dueAt: null });
      expect(end?.doneSeq).toBe(end?.requestedSeq);
    }
  });
});

describe('changes at the same time', () => {
  it('are all made', async () => {
    const mirror = await newMirror();
    const changes: Partial<MirrorSettings>[] = [
      { onlyProtectedBranches: true },
      { keepDivergentRefs: true },
      { url: 'https://a.example/x.git' },
      { lfs: 'off' },
      { mirrorTags: 'none' },
      { credential: { kind: 'own', secretName: 'z' } },
    ];
    await Promise.all(changes.map((change) => records.mirrors.update(mirror, change, { resetStatus: true })));
    expect(await records.mirrors.get(mirror)).toMatchObject(Object.assign({}, ...changes));
  });
});

describe('the item of a mirror', () => {
  it('has no attribute for what is null, and gives the same mirror back', async () => {
    const mirror = await newMirror();
    const item = await table.get(keys.mirror(mirror));
    expect(Object.values(item ?? {})).not.toContain(null);
    expect(item).not.toHaveProperty('credential_id');
    expect(mirrorOfItem(item!)).toEqual(mirror);
  });
});
