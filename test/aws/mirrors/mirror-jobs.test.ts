import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMirrorJobs } from '../../../lib/aws/mirrors/mirror-jobs.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import { serviceLimits } from '../../../lib/core/service-limits.ts';
import type { DueMirror, MirrorJobs, Release, UpdateRequest } from '../../../lib/jobs/mirror-jobs.ts';
import { dueShards } from '../../../lib/jobs/mirror-jobs.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { hour, minute, noon, putMirror } from '../../support/mirrors.ts';

let aws: TestAws;
let jobs: MirrorJobs;
beforeAll(async () => {
  aws = await startTestAws();
  jobs = createMirrorJobs({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
});
afterAll(() => aws.close());

const event: UpdateRequest = {
  trigger: { kind: 'event', who: 'github' },
  now: noon,
  startAt: noon,
  confirmDeletions: false,
  resume: false,
};
const byHand: UpdateRequest = { ...event, trigger: { kind: 'manual', who: 'ada' } };
const settled: Release = {
  status: { updateStatus: 'finished', lastUpdateAt: noon + 2000, attempts: 0 },
  now: noon + 2000,
  nextDueAt: noon + 6 * hour,
  followUpAt: noon + 10_000,
};
const gone: MirrorKey = { projectId: 4711, mirror: 'pull' };

async function leased(token = 'mine'): Promise<Mirror> {
  const mirror = await putMirror(aws);
  await jobs.request(mirror, event);
  await jobs.acquire(mirror, { token, now: noon });
  return mirror;
}

async function dueOf(mirror: MirrorKey, until = noon + 100 * hour): Promise<DueMirror | undefined> {
  for (let shard = 0; shard < dueShards; shard++) {
    for await (const due of jobs.due(shard, until))
      if ('projectId' in due && due.projectId === mirror.projectId && due.mirror === mirror.mirror) return due;
  }
  return undefined;
}

async function remove(mirror: MirrorKey): Promise<void> {
  await aws.clients.dynamo.send(new DeleteCommand({ TableName: aws.tableName, Key: keys.mirror(mirror) }));
}

async function change(mirror: MirrorKey, expression: string, values?: Record<string, unknown>): Promise<void> {
  const input = { TableName: aws.tableName, Key: keys.mirror(mirror), UpdateExpression: expression };
  await aws.clients.dynamo.send(new UpdateCommand({ ...input, ...(values === undefined ? {} : { ExpressionAttributeValues: values }) }));
}

describe('request', () => {
  it('queues and makes due behind a grace, and gives the mirror as it was', async () => {
    const mirror = await putMirror(aws, { lastUpdateStartedAt: noon - 5000 });
    expect(await jobs.request(mirror, event)).toEqual(mirror);
    expect(await jobs.get(mirror)).toEqual({
      ...mirror,
      requestedSeq: 1,
      queuedAt: noon,
      queuedFor: noon,
      queuedTrigger: event.trigger,
      dueAt: noon + serviceLimits.graceMs,
    });
  });

  it('is merged with one that waits: only the count and the answer differ', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, event);
    const before = await jobs.get(mirror);
    expect(await jobs.request(mirror, { ...event, now: noon + 3000, startAt: noon + 3000 })).toEqual(before);
    expect(await jobs.get(mirror)).toEqual({ ...before, requestedSeq: 2 });
  });

  it('that comes again and again does not keep the tick from seeing that the first message was lost', async () => {
    const mirror = await putMirror(aws);
    for (let now = noon; now < noon + minute; now += 10_000) await jobs.request(mirror, { ...event, now, startAt: now });
    expect(await jobs.get(mirror)).toMatchObject({ dueAt: noon + serviceLimits.graceMs, queuedFor: noon, requestedSeq: 6 });
  });

  it('counts 50 at once, and only one of them finds nothing queued', async () => {
    const mirror = await putMirror(aws);
    const before = await Promise.all(Array.from({ length: 50 }, () => jobs.request(mirror, event)));
    expect(before.filter((old) => old?.queuedAt === null)).toHaveLength(1);
    expect(await jobs.get(mirror)).toMatchObject({ requestedSeq: 50, doneSeq: 0 });
  });

  it('by hand replaces what asked before, an event does not', async () => {
    const mirror = await putMirror(aws);
    for (const request of [event, byHand, event]) await jobs.request(mirror, request);
    expect(await jobs.get(mirror)).toMatchObject({ queuedTrigger: byHand.trigger });
  });

  it('during a run queues a follow-up and leaves the lease alone', async () => {
    const mirror = await leased();
    const old = await jobs.request(mirror, { ...event, now: noon + 1000, startAt: noon + 1000 });
    expect(old).toMatchObject({ leaseToken: 'mine', queuedAt: null });
    expect(await jobs.get(mirror)).toMatchObject({ leaseToken: 'mine', requestedSeq: 2, startedSeq: 1, queuedAt: noon + 1000 });
  });

  it.each([
    ['gone', undefined],
    ['disabled', { enabled: false }],
    ['paused', { paused: true }],
  ])('of a mirror that is %s does nothing', async (_, fields) => {
    const mirror = fields === undefined ? gone : await putMirror(aws, fields);
    const before = await jobs.get(mirror);
    expect(await jobs.request(mirror, event)).toBeUndefined();
    expect(await jobs.get(mirror)).toEqual(before);
  });

  it('resumes a paused mirror and forgets its failures, but never enables one', async () => {
    const paused = await putMirror(aws, { paused: true, failedRuns: 14, failingSince: noon - 30 * hour, dueAt: null });
    expect(await jobs.request(paused, { ...byHand, resume: true })).toMatchObject({ paused: true });
    expect(await jobs.get(paused)).toMatchObject({ paused: false, failedRuns: 0, failingSince: null, queuedAt: noon });
    expect(await dueOf(paused)).toMatchObject({ dueAt: noon + serviceLimits.graceMs, paused: false });
    const disabled = await putMirror(aws, { enabled: false });
    expect(await jobs.request(disabled, { ...byHand, resume: true })).toBeUndefined();
  });

  it('keeps a later start, and has the tick do what no message can be delayed for', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, { ...event, startAt: noon + hour });
    expect(await jobs.get(mirror)).toMatchObject({ queuedFor: noon + hour, dueAt: noon + hour });
  });
});

describe('expedite', () => {
  it('brings a later start forward, once', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, { ...event, startAt: noon + 5 * minute });
    expect(await jobs.expedite(mirror, { startAt: noon + 1000, now: noon })).toBe(true);
    expect(await jobs.get(mirror)).toMatchObject({ queuedFor: noon + 1000, dueAt: noon + 1000 + serviceLimits.graceMs, requestedSeq: 1 });
    expect(await jobs.expedite(mirror, { startAt: noon + 1000, now: noon })).toBe(false);
  });

  it.each([
    ['nothing waits', () => putMirror(aws)],
    ['a run holds the mirror', () => leased()],
    ['the mirror is gone', async () => gone],
  ])('does nothing where %s', async (_, make) => {
    const key = await make();
    const before = await jobs.get(key);
    expect(await jobs.expedite(key, { startAt: noon - hour, now: noon })).toBe(false);
    expect(await jobs.get(key)).toEqual(before);
  });
});

describe('acquire', () => {
  it('lets one of 50 have the lease', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, event);
    const got = await Promise.all(Array.from({ length: 50 }, (_, n) => jobs.acquire(mirror, { token: `t${n}`, now: noon })));
    const holders = got.filter((item) => item !== undefined);
    expect(holders).toHaveLength(1);
    expect(await jobs.get(mirror)).toEqual(holders[0]);
  });

  it('takes over what was asked for: trigger and confirmation, and leaves nothing queued', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, { ...byHand, confirmDeletions: true });
    await jobs.request(mirror, event);
    expect(await jobs.acquire(mirror, { token: 'mine', now: noon + 1000 })).toMatchObject({
      leaseToken: 'mine',
      leaseBeat: 0,
      startedSeq: 2,
      doneSeq: 0,
      runTrigger: byHand.trigger,
      runConfirmDeletions: true,
      queuedAt: null,
      queuedFor: null,
      queuedTrigger: null,
      dueAt: noon + 1000,
      updateStatus: 'none',
    });
  });

  it('does not carry a confirmation on to the next run', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, { ...byHand, confirmDeletions: true });
    await jobs.acquire(mirror, { token: 'a', now: noon });
    await jobs.release(mirror, 'a', settled);
    await jobs.request(mirror, event);
    expect(await jobs.acquire(mirror, { token: 'b', now: noon })).toMatchObject({ runConfirmDeletions: false, runTrigger: event.trigger });
  });

  it('is given again to the same token: the SDK may try twice', async () => {
    const mirror = await leased();
    expect(await jobs.acquire(mirror, { token: 'mine', now: noon })).toMatchObject({ leaseToken: 'mine' });
  });

  it.each([
    ['nothing is requested', undefined],
    ['it was disabled meanwhile', 'SET enabled = :value'],
    ['it was paused meanwhile', 'SET paused = :other'],
  ])('is refused where %s', async (_, expression) => {
    const mirror = await putMirror(aws);
    if (expression !== undefined) {
      await jobs.request(mirror, event);
      await change(mirror, expression, expression.includes(':value') ? { ':value': false } : { ':other': true });
    }
    expect(await jobs.acquire(mirror, { token: 'mine', now: noon })).toBeUndefined();
    expect(await jobs.get(mirror)).toMatchObject({ leaseToken: null });
  });

  it('never brings a deleted mirror back', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, event);
    await remove(mirror);
    expect(await jobs.acquire(mirror, { token: 'mine', now: noon })).toBeUndefined();
    expect(await jobs.get(mirror)).toBeUndefined();
  });
});

describe('a lease', () => {
  it('begins and beats for its holder only', async () => {
    const mirror = await leased();
    expect(await jobs.begin(mirror, 'other', noon)).toBe(false);
    expect(await jobs.renew(mirror, 'other')).toBe(false);
    expect(await jobs.get(mirror)).toMatchObject({ updateStatus: 'none', leaseBeat: 0 });
    expect(await jobs.begin(mirror, 'mine', noon + 500)).toBe(true);
    expect(await jobs.renew(mirror, 'mine')).toBe(true);
    expect(await jobs.get(mirror)).toMatchObject({ updateStatus: 'started', lastUpdateStartedAt: noon + 500, leaseBeat: 1 });
  });

  it('does not come back with a mirror that was deleted', async () => {
    const mirror = await leased();
    await remove(mirror);
    expect(await jobs.begin(mirror, 'mine', noon)).toBe(false);
    expect(await jobs.renew(mirror, 'mine')).toBe(false);
    expect(await jobs.release(mirror, 'mine', settled)).toBe('lost');
    expect(await jobs.get(mirror)).toBeUndefined();
  });
});

describe('release', () => {
  it('settles what was requested', async () => {
    const mirror = await leased();
    expect(await jobs.release(mirror, 'mine', settled)).toBe('done');
    expect(await jobs.get(mirror)).toEqual({
      ...mirror,
      ...settled.status,
      requestedSeq: 1,
      startedSeq: 1,
      doneSeq: 1,
      dueAt: settled.nextDueAt,
    });
  });

  it('queues a follow-up where a request came during the run', async () => {
    const mirror = await leased();
    await jobs.request(mirror, { ...byHand, now: noon + 1000, startAt: noon + 1000, confirmDeletions: true });
    expect(await jobs.release(mirror, 'mine', settled)).toBe('queued');
    expect(await jobs.get(mirror)).toMatchObject({
      leaseToken: null,
      doneSeq: 1,
      requestedSeq: 2,
      queuedAt: noon + 1000,
      queuedFor: settled.followUpAt,
      queuedTrigger: byHand.trigger,
      dueAt: settled.followUpAt + serviceLimits.graceMs,
    });
    expect(await jobs.acquire(mirror, { token: 'next', now: noon + 10_000 })).toMatchObject({ startedSeq: 2, runConfirmDeletions: true });
  });

  it('asks for the same run again, with what it was asked for', async () => {
    const mirror = await leased();
    const again = { startAt: noon + minute, trigger: byHand.trigger, confirmDeletions: true };
    expect(await jobs.release(mirror, 'mine', { ...settled, status: { updateStatus: 'to_retry', attempts: 1 }, again })).toBe('queued');
    expect(await jobs.get(mirror)).toMatchObject({
      updateStatus: 'to_retry',
      attempts: 1,
      leaseToken: null,
      doneSeq: 0,
      requestedSeq: 1,
      queuedAt: settled.now,
      queuedFor: again.startAt,
      dueAt: again.startAt + serviceLimits.graceMs,
    });
    expect(await jobs.acquire(mirror, { token: 'next', now: noon + minute })).toMatchObject({
      runTrigger: byHand.trigger,
      runConfirmDeletions: true,
    });
  });

  it('of a mirror that is paused now settles what waits too', async () => {
    const mirror = await leased();
    await jobs.request(mirror, event);
    expect(await jobs.release(mirror, 'mine', { ...settled, status: { updateStatus: 'failed', paused: true }, nextDueAt: null })).toBe(
      'done',
    );
    expect(await jobs.get(mirror)).toMatchObject({
      paused: true,
      doneSeq: 2,
      requestedSeq: 2,
      queuedAt: null,
      dueAt: null,
      leaseToken: null,
    });
    expect(await dueOf(mirror)).toBeUndefined();
  });

  it('by somebody who lost the lease writes nothing', async () => {
    const mirror = await leased('new');
    const before = await jobs.get(mirror);
    const again = { startAt: noon, trigger: event.trigger, confirmDeletions: false };
    for (const release of [settled, { ...settled, again }, { ...settled, status: { paused: true } }]) {
      expect(await jobs.release(mirror, 'old', release)).toBe('lost');
    }
    expect(await jobs.get(mirror)).toEqual(before);
  });

  it('is done once, whoever else tries at the same time', async () => {
    const mirror = await leased();
    const answers = await Promise.all(Array.from({ length: 20 }, () => jobs.release(mirror, 'mine', settled)));
    expect(answers.filter((answer) => answer !== 'lost')).toEqual(['done']);
  });
});

describe('due', () => {
  it('gives all that is due, oldest first, over many pages, and nothing else', async () => {
    // A field that is in the index, to fill its pages of 1 MB.
    const long = 'x'.repeat(200_000);
    const made: Mirror[] = [];
    for (let n = 0; n < 12; n++) {
      const id = 1_000_000 + n * dueShards;
      made.push(await putMirror(aws, { id, mirror: id, projectId: id, dueAt: noon - hour + n, leaseToken: long }));
    }
    const later = await putMirror(aws, { id: 999_984, mirror: 999_984, dueAt: noon + 1 });
    const found: DueMirror[] = [];
    for await (const due of jobs.due(1_000_000 % dueShards, noon)) if ('projectId' in due) found.push(due);
    expect(found.filter(({ projectId }) => projectId >= 1_000_000).map(({ mirror }) => mirror)).toEqual(made.map(({ mirror }) => mirror));
    expect(found.map(({ mirror }) => mirror)).not.toContain(later.mirror);
    for (const mirror of made) await remove(mirror);
  });
});

describe('the tick', () => {
  it('starts a scheduled run, once', async () => {
    const mirror = await putMirror(aws, { dueAt: noon });
    const due = await dueOf(mirror);
    const at = { now: noon + 1000, startAt: noon + 1000 };
    const answers = await Promise.all(Array.from({ length: 20 }, () => jobs.startScheduled(due!, at)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await jobs.get(mirror)).toMatchObject({
      requestedSeq: 1,
      queuedAt: noon + 1000,
      queuedTrigger: { kind: 'schedule' },
      dueAt: noon + 1000 + serviceLimits.graceMs,
    });
  });

  it('notes what it sent again, so that a request after it does not bring the old time back', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, event);
    expect(await jobs.noteResent((await dueOf(mirror))!, { now: noon + 2 * minute, waitMs: minute })).toBe(true);
    await jobs.request(mirror, { ...event, now: noon + 2 * minute + 1 });
    expect(await dueOf(mirror)).toMatchObject({ dueAt: noon + 3 * minute, resendWaitMs: minute, queuedAt: noon });
  });

  it('notes a lease with its beat and both times', async () => {
    const mirror = await leased();
    expect(await jobs.noteLease((await dueOf(mirror))!, { tick: noon, now: noon + 7, dueAt: noon + 50_000 })).toBe(true);
    expect(await dueOf(mirror)).toMatchObject({
      dueAt: noon + 50_000,
      seen: { leaseToken: 'mine', leaseBeat: 0, at: noon, lookedAt: noon + 7 },
    });
  });

  it('breaks a lease whose holder has not moved, and puts what it held back into the queue', async () => {
    const mirror = await leased();
    const due = (await dueOf(mirror))!;
    const again = { startAt: noon + minute, trigger: event.trigger, confirmDeletions: false };
    const release = { ...settled, status: { updateStatus: 'to_retry', attempts: 1 }, again } as const;
    const answers = await Promise.all(Array.from({ length: 10 }, () => jobs.breakLease(due, () => release)));
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    expect(await jobs.get(mirror)).toMatchObject({ leaseToken: null, queuedAt: settled.now, attempts: 1, updateStatus: 'to_retry' });
    expect(await jobs.renew(mirror, 'mine')).toBe(false);
    expect(await jobs.release(mirror, 'mine', settled)).toBe('lost');
  });

  it.each([
    ['beaten', (mirror: Mirror) => jobs.renew(mirror, 'mine')],
    ['released', (mirror: Mirror) => jobs.release(mirror, 'mine', settled)],
    ['been deleted', (mirror: Mirror) => remove(mirror)],
  ])('leaves a lease alone whose holder has %s since', async (_, move) => {
    const mirror = await leased();
    const due = (await dueOf(mirror))!;
    await move(mirror);
    const before = await jobs.get(mirror);
    expect(await jobs.breakLease(due, () => settled)).toBeUndefined();
    expect(await jobs.get(mirror)).toEqual(before);
  });

  it('breaks no lease that beat while it was being decided', async () => {
    const mirror = await leased();
    const due = (await dueOf(mirror))!;
    const slow = createMirrorJobs({
      dynamo: Object.assign(Object.create(aws.clients.dynamo), {
        async send(command: unknown) {
          if (command instanceof UpdateCommand) await jobs.renew(mirror, 'mine');
          return aws.clients.dynamo.send(command as UpdateCommand);
        },
      }),
      tableName: aws.tableName,
    });
    expect(await slow.breakLease(due, () => settled)).toBeUndefined();
    expect(await jobs.get(mirror)).toMatchObject({ leaseToken: 'mine' });
  });

  it.each([
    ['disabled', 'SET enabled = :value', { ':value': false }],
    ['paused', 'SET paused = :value', { ':value': true }],
  ])('retires a mirror that is %s and settles its request', async (_, expression, values) => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, event);
    await change(mirror, expression, values);
    expect(await jobs.retire((await dueOf(mirror))!)).toBe(true);
    expect(await jobs.get(mirror)).toMatchObject({ dueAt: null, queuedAt: null, queuedFor: null, requestedSeq: 1, doneSeq: 1 });
    expect(await dueOf(mirror)).toBeUndefined();
  });

  it('retires none that was enabled meanwhile', async () => {
    const mirror = await putMirror(aws, { enabled: false });
    const due = (await dueOf(mirror))!;
    await change(mirror, 'SET enabled = :value', { ':value': true });
    expect(await jobs.retire(due)).toBe(false);
  });

  const writes: readonly (readonly [string, (due: DueMirror) => Promise<unknown>])[] = [
    ['startScheduled', (due) => jobs.startScheduled(due, { now: noon, startAt: noon })],
    ['noteResent', (due) => jobs.noteResent(due, { now: noon, waitMs: minute })],
    ['noteLease', (due) => jobs.noteLease({ ...due, leaseToken: 'mine' }, { tick: noon, now: noon, dueAt: noon + minute })],
    ['retire', (due) => jobs.retire(due)],
  ];

  it.each(writes)('%s does nothing to a mirror that has changed since it was read, or is gone', async (_, write) => {
    const mirror = await putMirror(aws);
    const due = (await dueOf(mirror))!;
    await jobs.request(mirror, event);
    const before = await jobs.get(mirror);
    expect(await write(due)).toBe(false);
    expect(await jobs.get(mirror)).toEqual(before);
    await remove(mirror);
    expect(await write(due)).toBe(false);
    expect(await jobs.get(mirror)).toBeUndefined();
  });
});

describe('markDead', () => {
  const error = { code: 'run_interrupted', message: 'm', hint: 'h' } as const;

  it('marks a mirror whose request nobody serves, and keeps the request', async () => {
    const mirror = await putMirror(aws);
    await jobs.request(mirror, event);
    const before = await jobs.get(mirror);
    expect(await jobs.markDead(mirror, { error, now: noon + minute })).toBe(true);
    expect(await jobs.get(mirror)).toEqual({ ...before, updateStatus: 'failed', lastError: error, lastUpdateAt: noon + minute });
  });

  it.each([
    ['nothing is requested', () => putMirror(aws)],
    ['a run holds it', () => leased()],
    ['it is gone', async () => gone],
  ])('does nothing where %s', async (_, make) => {
    const key = await make();
    const before = await jobs.get(key);
    expect(await jobs.markDead(key, { error, now: noon })).toBe(false);
    expect(await jobs.get(key)).toEqual(before);
  });
});

describe('a table that cannot be reached', () => {
  it('is storage_unavailable, without the words of the SDK', async () => {
    const missing = createMirrorJobs({ dynamo: aws.clients.dynamo, tableName: 'missing' });
    for (const call of [
      () => missing.get(gone),
      () => missing.request(gone, event),
      () => missing.renew(gone, 'x'),
      () => missing.due(0, noon)[Symbol.asyncIterator]().next(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'storage_unavailable', message: expect.not.stringMatching(/request/i) });
    }
  });
});
