import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMirrorJobs } from '../../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../../lib/aws/records.ts';
import type { MirrorJobs, Release, UpdateRequest } from '../../../lib/jobs/mirror-jobs.ts';
import { type RememberingJobs, rememberWaiting } from '../../../lib/jobs/requests/waiting-requests.ts';
import type { Mirror } from '../../../lib/model/mirror.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { heldClock, hour, noon, putMirror } from '../../support/mirrors.ts';

let aws: TestAws;
let table: MirrorJobs;
let records: Records;
beforeAll(async () => {
  aws = await startTestAws();
  table = createMirrorJobs({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
  records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: heldClock() });
});
afterAll(() => aws.close());

const event: UpdateRequest = {
  trigger: { kind: 'event', who: 'github' },
  now: noon,
  startAt: noon,
  confirmDeletions: false,
  resume: false,
};
const settled: Release = {
  status: { updateStatus: 'finished' },
  now: noon + 2000,
  nextDueAt: noon + 6 * hour,
  followUpAt: noon + 10_000,
};

/** Calls that are carried out at once, or carried out and then not answered until they are let go. */
let heldBack: { name: 'request' | 'acquire'; go: Promise<void> } | undefined;
let jobs: RememberingJobs;
let mirror: Mirror;
beforeEach(async () => {
  heldBack = undefined;
  const slow = async <T>(name: string, answer: Promise<T>): Promise<T> => {
    const { go, name: held } = heldBack ?? {};
    const value = await answer;
    if (held === name) await go;
    return value;
  };
  jobs = rememberWaiting({
    ...table,
    request: (key, request) => slow('request', table.request(key, request)),
    acquire: (key, lease) => slow('acquire', table.acquire(key, lease)),
  });
  mirror = await putMirror(aws);
});

const requests = async (): Promise<number> => (await table.get(mirror))?.requestedSeq ?? 0;
const acquire = (): Promise<Mirror | undefined> => jobs.acquire(mirror, { token: 'mine', now: noon });

function holdBack(name: 'request' | 'acquire'): () => void {
  let letGo = (): void => {};
  heldBack = {
    name,
    go: new Promise((resolve) => {
      letGo = resolve;
    }),
  };
  return () => {
    heldBack = undefined;
    letGo();
  };
}

describe('rememberWaiting', () => {
  it('writes one request for many events before a run, and says that the others are merged', async () => {
    expect(await jobs.request(mirror, event)).toMatchObject({ queuedAt: null });
    for (let n = 1; n < 5; n++) expect(await jobs.request(mirror, { ...event, now: noon + n })).toMatchObject({ queuedAt: noon });
    expect(await requests()).toBe(1);
  });

  it('writes for an event during the run, and for the one after it', async () => {
    await jobs.request(mirror, event);
    await acquire();
    await jobs.request(mirror, event);
    expect(await requests()).toBe(2);
    expect(await jobs.release(mirror, 'mine', settled)).toBe('queued');
    await jobs.request(mirror, event);
    expect(await requests()).toBe(2);
    await acquire();
    expect(await jobs.release(mirror, 'mine', settled)).toBe('done');
    await jobs.request(mirror, event);
    expect(await requests()).toBe(3);
  });

  it('does not rely on a request that was written while a run began', async () => {
    await jobs.request(mirror, event);
    const answerAcquire = holdBack('acquire');
    const acquired = acquire();
    await jobs.request(mirror, event);
    answerAcquire();
    await acquired;
    const before = await requests();
    await jobs.request(mirror, event);
    expect(await requests()).toBe(before + 1);
  });

  it('does not rely on a request that a run took up before it was answered', async () => {
    const answerRequest = holdBack('request');
    const requested = jobs.request(mirror, event);
    await expect.poll(requests).toBe(1);
    expect(await acquire()).toBeDefined();
    answerRequest();
    await requested;
    await jobs.request(mirror, event);
    expect(await requests()).toBe(2);
  });

  it.each([
    ['by hand', { trigger: { kind: 'manual', who: 'ada' } }],
    ['with deletions confirmed', { confirmDeletions: true }],
    ['of a paused mirror too', { resume: true }],
  ] as const)('writes what is asked for %s', async (_, more) => {
    await jobs.request(mirror, event);
    await jobs.request(mirror, { ...event, ...more });
    expect(await requests()).toBe(2);
  });

  it('asks again about a mirror that takes no requests', async () => {
    const disabled = await putMirror(aws, { enabled: false });
    expect(await jobs.request(disabled, event)).toBeUndefined();
    expect(await jobs.request(disabled, event)).toBeUndefined();
  });

  it.each([
    ['disabled', () => records.mirrors.update(mirror, { enabled: false }, { resetStatus: false })],
    ['deleted', () => records.mirrors.delete(mirror)],
  ])('asks again about a mirror that was %s while it waited', async (_, change) => {
    await jobs.request(mirror, event);
    expect(await change()).toBeDefined();
    jobs.forget();
    expect(await jobs.request(mirror, event)).toBeUndefined();
  });

  it('does not rely on a request that was answered after a change', async () => {
    const answerRequest = holdBack('request');
    const requested = jobs.request(mirror, event);
    await expect.poll(requests).toBe(1);
    jobs.forget();
    answerRequest();
    await requested;
    await jobs.request(mirror, event);
    expect(await requests()).toBe(2);
  });

  it('still knows of a run that begins when something is changed', async () => {
    const answerAcquire = holdBack('acquire');
    const acquired = acquire();
    jobs.forget();
    await jobs.request(mirror, event);
    await jobs.request(mirror, event);
    answerAcquire();
    await acquired;
    expect(await requests()).toBe(2);
  });
});
