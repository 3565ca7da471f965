import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { keys } from '../../../lib/aws/table/table.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import type { MirrorJobs } from '../../../lib/jobs/mirror-jobs.ts';
import { updateNow } from '../../../lib/jobs/requests/request-run.ts';
import { type JobAnswer, type RunJobDeps, runJob } from '../../../lib/jobs/runs/run-job.ts';
import type { RunSyncInput } from '../../../lib/jobs/runs/run-sync.ts';
import { noteReports } from '../../../lib/jobs/runs/wait-at-host.ts';
import { tick } from '../../../lib/jobs/tick/tick.ts';
import { encodeJob } from '../../../lib/model/job.ts';
import type { MirrorKey } from '../../../lib/model/mirror.ts';
import { dueOf } from '../../support/due.ts';
import { byEvent, bySchedule, endlessRun, type JobBench, madeUpRun, openJobBench, timeLeft } from '../../support/job-bench.ts';
import { hour, minute, noon } from '../../support/mirrors.ts';
import { line, scenario } from '../../support/scenario.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterEach(async () => {
  await bench.messages();
  bench.lines.length = 0;
});
afterAll(() => bench.close());

/** Those for this mirror: others that were delayed may come on a busy machine. */
const messagesFor = async (key: MirrorKey, waitSeconds = 0): Promise<string[]> =>
  (await bench.messages(waitSeconds)).filter((body) => body === encodeJob(key));
const plain: MirrorKey = { projectId: 0, mirror: 0 };
const fast = { beatMs: 20, giveUpMs: 5000 };
const run = (key: MirrorKey, deps: Partial<RunJobDeps> = {}, deadline = timeLeft()): Promise<JobAnswer> =>
  runJob(key, { deadline }, { ...bench, ...deps }).finally(() => deadline.clear());
const running = (
  result: Parameters<typeof madeUpRun>[0] = {},
  meanwhile: (input: RunSyncInput) => unknown = () => {},
): RunJobDeps['sync'] => {
  return async (input) => {
    await meanwhile(input);
    return madeUpRun(result);
  };
};
async function slotsOf(host: string): Promise<unknown[]> {
  const values = { ':pk': keys.slot(host, 0).pk };
  const input = { TableName: bench.aws.tableName, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: values };
  return (await bench.aws.clients.dynamo.send(new QueryCommand(input))).Items ?? [];
}

const moved = { ref: 'refs/heads/main', result: 'updated', old: 'a'.repeat(40), new: 'b'.repeat(40), reason: null } as const;

describe('a job', () => {
  it('mirrors, records what moved, and leaves nothing behind', async () => {
    const { sourceUrl, targetUrl, refs, oid } = await scenario({
      parents: line,
      source: { 'heads/main': 'c2', 'tags/v1': 'c1' },
      target: { 'heads/main': 'c1' },
    });
    const { project, mirror } = await bench.made({ project: { repositoryUrl: sourceUrl }, mirror: { url: targetUrl } });
    expect(await run(mirror)).toBe('done');
    expect(await refs()).toEqual({ 'heads/main': 'c2', 'tags/v1': 'c1' });
    const after = await bench.jobs.get(mirror);
    expect(after).toMatchObject({
      updateStatus: 'finished',
      lastUpdateStartedAt: noon,
      lastUpdateAt: noon,
      lastSuccessfulUpdateAt: noon,
      lastError: null,
      leaseToken: null,
      queuedAt: null,
      requestedSeq: 1,
      doneSeq: 1,
      lastRun: { outcome: 'success', trigger: byEvent, counts: { created: 1, updated: 1 } },
    });
    expect(after?.dueAt).toBeGreaterThan(noon + 5 * hour);
    const record = await bench.records.runs.get(mirror.id, after?.lastRun?.id ?? '');
    expect(record).toMatchObject({ outcome: 'success', refsTotal: 2, startedAt: noon });
    expect(record?.refs).toContainEqual({ ref: 'refs/heads/main', result: 'updated', old: oid('c1'), new: oid('c2'), reason: null });
    const { items: activity } = await bench.records.activity.list(project.id, { page: 1, perPage: 20 });
    expect(activity.map(({ ref, result, direction }) => `${direction} ${result} ${ref}`).sort()).toEqual([
      'push created refs/tags/v1',
      'push updated refs/heads/main',
    ]);
    expect((await bench.records.projects.get(project.id))?.defaultBranch).toBe('main');
    expect(await messagesFor(mirror)).toEqual([]);
    // The places at both hosts are free again.
    expect(await slotsOf('127.0.0.1')).toEqual([]);
  });

  it('pulls, and learns where the project has its HEAD', async () => {
    const { sourceUrl, targetUrl, refs } = await scenario({
      parents: line,
      source: { 'heads/main': 'c3', 'heads/trunk': 'c1' },
      target: { 'heads/trunk': 'c1' },
      targetHead: 'heads/trunk',
    });
    const { project, mirror } = await bench.made({ direction: 'pull', project: { repositoryUrl: targetUrl }, mirror: { url: sourceUrl } });
    expect(await run(mirror)).toBe('done');
    expect(await refs()).toEqual({ 'heads/main': 'c3', 'heads/trunk': 'c1' });
    expect((await bench.records.projects.get(project.id))?.defaultBranch).toBe('trunk');
    expect((await bench.jobs.get(mirror))?.dueAt).toBeLessThan(noon + 32 * minute);
  });

  it('is started while it runs, and says so', async () => {
    const { mirror } = await bench.made();
    const sync = running({}, async ({ mayWrite }) => {
      await mayWrite;
      expect(await bench.jobs.get(mirror)).toMatchObject({ updateStatus: 'started', lastUpdateStartedAt: noon });
    });
    expect(await run(mirror, { sync })).toBe('done');
  });
});

describe('calls of DynamoDB', () => {
  /** The longest chain of calls in which each began when the one before it had ended. */
  function chainOfCalls(): () => number {
    const { middlewareStack } = bench.aws.clients.dynamo;
    let ended = 0;
    const name = 'chainOfCalls';
    middlewareStack.add(
      (next) => async (input) => {
        const depth = ended + 1;
        const answer = await next(input);
        ended = Math.max(ended, depth);
        return answer;
      },
      { step: 'initialize', name },
    );
    onTestFinished(() => void middlewareStack.remove(name));
    return () => ended;
  }

  it('that need not wait for each other do not: five, one after the other, come before a run begins at two hosts', async () => {
    const { mirror } = await bench.made({ mirror: { url: 'https://other.example/group/name.git' } });
    const chain = chainOfCalls();
    let before: number | undefined;
    const sync: RunJobDeps['sync'] = async ({ mayWrite }) => {
      before = chain();
      await mayWrite;
      return madeUpRun({});
    };
    expect(await run(mirror, { sync })).toBe('done');
    expect(before).toBe(5);
  });

  it('a lease that is lost before the run begins is told to the run, which writes nothing', async () => {
    const { mirror } = await bench.made();
    const jobs: MirrorJobs = { ...bench.jobs, begin: async () => false };
    const told: unknown[] = [];
    const sync: RunJobDeps['sync'] = async ({ mayWrite }) => {
      await mayWrite?.catch((error: GitferryError) => told.push(error.code));
      return madeUpRun({ code: 'run_interrupted' });
    };
    expect(await run(mirror, { jobs, sync })).toBe('lost');
    expect(told).toEqual(['run_interrupted']);
  });
});

describe('the record of a run', () => {
  const failing = (failures: number): Partial<RunJobDeps> => {
    let left = failures;
    const runs: JobBench['records']['runs'] = {
      ...bench.records.runs,
      put: (...args) => (left-- > 0 ? Promise.reject(new GitferryError('storage_unavailable')) : bench.records.runs.put(...args)),
    };
    return { records: { ...bench.records, runs }, sync: running({ refs: [moved] }) };
  };

  it.each([
    ['written although the table was out of reach for a moment', 2, 1],
    ['left out where the table stays out of reach, and the result is kept', 99, 0],
  ])('is %s', async (_, failures, recorded) => {
    const { project, mirror } = await bench.made();
    expect(await run(mirror, failing(failures))).toBe('done');
    expect((await bench.records.runs.list(mirror.id, { page: 1, perPage: 5 })).items).toHaveLength(recorded);
    expect((await bench.records.activity.list(project.id, { page: 1, perPage: 5 })).items).toHaveLength(1);
    expect(await bench.jobs.get(mirror)).toMatchObject({ updateStatus: 'finished', lastRun: { outcome: 'success' } });
    expect(bench.events('run_not_recorded')).toHaveLength(1 - recorded);
  });
});

describe('a message', () => {
  it.each<[string, () => Promise<MirrorKey>]>([
    ['nothing is requested', async () => (await bench.made({ trigger: null })).mirror],
    ['there is no such mirror', async () => ({ projectId: 987_654, mirror: 'pull' })],
    [
      'somebody else runs it',
      async () => {
        const { mirror } = await bench.made();
        await bench.jobs.acquire(mirror, { token: 'other', now: noon });
        return mirror;
      },
    ],
    [
      'it was disabled',
      async () => {
        const { mirror } = await bench.made();
        await bench.records.mirrors.update(mirror, { enabled: false }, { resetStatus: false });
        return mirror;
      },
    ],
    [
      'it was deleted',
      async () => {
        const { mirror } = await bench.made();
        await bench.records.mirrors.delete(mirror);
        return mirror;
      },
    ],
  ])('is forgotten where %s', async (_, make) => {
    const key = await make();
    const before = await bench.jobs.get(key);
    const sync: RunJobDeps['sync'] = () => Promise.reject(new Error('it ran'));
    expect(await run(key, { sync })).toBe('nothing');
    expect(await bench.jobs.get(key)).toEqual(before);
  });

  it('comes again only where the table cannot be reached', async () => {
    const { mirror } = await bench.made();
    const jobs: MirrorJobs = { ...bench.jobs, acquire: () => Promise.reject(new GitferryError('storage_unavailable')) };
    await expect(run(mirror, { jobs })).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  it('of a project that is gone settles the mirror that it left', async () => {
    const { mirror } = await bench.made();
    const projects = { ...bench.records.projects, get: async () => undefined };
    expect(await run(mirror, { records: { ...bench.records, projects } })).toBe('done');
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: null, dueAt: null, updateStatus: 'none' });
  });
});

describe('a request during the run', () => {
  it('makes one more, at its distance to this one', async () => {
    const { mirror } = await bench.made();
    const sync = running({}, async () => {
      bench.clock.add(9000);
      await bench.request(mirror);
      await bench.request(mirror);
    });
    expect(await run(mirror, { sync })).toBe('queued');
    expect(await bench.jobs.get(mirror)).toMatchObject({ queuedFor: noon + 10_000, requestedSeq: 3, doneSeq: 1, updateStatus: 'finished' });
    expect([...(await messagesFor(mirror)), ...(await messagesFor(mirror, 3))]).toEqual([encodeJob(mirror)]);
    expect(await run(mirror, { sync: running() })).toBe('done');
    bench.clock.set(noon);
  });
});

describe('a failure', () => {
  it('worth a retry is tried again, later', async () => {
    const { mirror } = await bench.made({ confirmDeletions: true });
    expect(await run(mirror, { sync: running({ code: 'connection_failed' }) })).toBe('queued');
    const after = await bench.jobs.get(mirror);
    expect(after).toMatchObject({ updateStatus: 'to_retry', attempts: 1, lastError: { code: 'connection_failed' }, doneSeq: 0 });
    expect(after?.queuedFor).toBeGreaterThanOrEqual(noon + 30_000);
    expect(await messagesFor(mirror)).toEqual([]);
    expect((await bench.records.runs.list(mirror.id, { page: 1, perPage: 5 })).items).toHaveLength(1);
    // A message that is still on its way from before does not start it early.
    expect(await run(mirror, { sync: () => Promise.reject(new Error('it ran')) })).toBe('nothing');
    bench.clock.add(hour);
    let confirmed = false;
    await run(mirror, {
      sync: running({}, (input) => {
        confirmed = input.confirmDeletions;
      }),
    });
    expect(confirmed).toBe(true);
    bench.clock.set(noon);
  });

  it('is told once, and so is recovery', async () => {
    const { mirror } = await bench.made();
    for (const code of ['credentials_refused', 'repository_not_found', undefined, undefined] as const) {
      await bench.request(mirror);
      await run(mirror, { sync: running(code === undefined ? {} : { code }) });
    }
    expect(bench.events('mirror_failing')).toHaveLength(1);
    expect(bench.events('mirror_recovered')).toHaveLength(1);
    expect(bench.events('run_finished')).toHaveLength(4);
  });

  it('pauses a mirror that has failed 14 times over a day, and says so', async () => {
    const { mirror } = await bench.made();
    for (let failures = 0; failures < 14; failures++) {
      await bench.request(mirror);
      await run(mirror, { sync: running({ code: 'credentials_refused' }) });
      bench.clock.add(2 * hour);
    }
    bench.clock.set(noon);
    expect(await bench.jobs.get(mirror)).toMatchObject({ paused: true, dueAt: null, queuedAt: null, failedRuns: 14 });
    expect(bench.events('mirror_paused')).toHaveLength(1);
    expect(
      await bench.jobs.request(mirror, { trigger: byEvent, now: noon, startAt: noon, confirmDeletions: false, resume: false }),
    ).toBeUndefined();
  });

  it('does not pause a mirror that a person has asked for meanwhile', async () => {
    const { mirror } = await bench.made({ trigger: null });
    for (let failures = 0; failures < 14; failures++) {
      await bench.request(mirror);
      const isLast = failures === 13;
      const meanwhile = () => (isLast ? bench.request(mirror, { kind: 'manual', who: 'ada' }) : undefined);
      expect(await run(mirror, { sync: running({ code: 'credentials_refused' }, meanwhile) })).toBe(isLast ? 'queued' : 'done');
      bench.clock.add(2 * hour);
    }
    bench.clock.set(noon);
    expect(await bench.jobs.get(mirror)).toMatchObject({ paused: false, failedRuns: 0, queuedTrigger: { who: 'ada' } });
    expect(bench.events('mirror_paused')).toHaveLength(0);
  });
});

describe('deletions that were held back', () => {
  const asked = async (mirror: MirrorKey): Promise<number> => {
    let percent = -1;
    await run(mirror, {
      sync: running({}, (input) => {
        percent = input.maxDeletionsPercent;
      }),
    });
    return percent;
  };

  it('are not let through by a share that has become smaller', async () => {
    // 12 of 22 refs are held back; the 30 branches that came with the same run make them 12 of 52.
    const old = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`heads/old-${n}`, 'c1']));
    const kept = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`heads/kept-${n}`, 'c1']));
    const fresh = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`heads/new-${n}`, 'c1']));
    const { sourceUrl, targetUrl, refs } = await scenario({
      parents: line,
      source: { 'heads/main': 'c2', ...kept, ...fresh },
      target: { 'heads/main': 'c2', ...kept, ...old },
    });
    const { mirror } = await bench.made({ project: { repositoryUrl: sourceUrl }, mirror: { url: targetUrl } });
    await run(mirror);
    expect(await bench.jobs.get(mirror)).toMatchObject({
      heldBackDeletions: 12,
      lastRun: { counts: { created: 30, kept: 12, deleted: 0 } },
    });
    await bench.request(mirror);
    await run(mirror);
    expect(await bench.jobs.get(mirror)).toMatchObject({ heldBackDeletions: 12, lastRun: { counts: { deleted: 0, kept: 12 } } });
    await bench.request(mirror, { kind: 'manual', who: 'ada' }, true);
    await run(mirror);
    expect(await bench.jobs.get(mirror)).toMatchObject({ heldBackDeletions: 0, lastRun: { counts: { deleted: 12 } } });
    expect(Object.keys(await refs()).filter((ref) => ref.startsWith('heads/old'))).toEqual([]);
  });

  it('leave the limit as it is set where there were none', async () => {
    const { mirror } = await bench.made();
    expect(await asked(mirror)).toBe(50);
  });
});

describe('silent mode', () => {
  it('leaves a request where it is', async () => {
    const { mirror } = await bench.made();
    const before = await bench.jobs.get(mirror);
    await bench.records.settings.update({ silentModeEnabled: true });
    expect(await run(mirror)).toBe('nothing');
    await bench.records.settings.update({ silentModeEnabled: false });
    expect(await bench.jobs.get(mirror)).toEqual(before);
  });

  it('ends a run under way, as if it had not been', async () => {
    const { mirror } = await bench.made({ confirmDeletions: true });
    const sync: RunJobDeps['sync'] = async (input, deadline) => {
      await bench.records.settings.update({ silentModeEnabled: true });
      return endlessRun(input, deadline);
    };
    expect(await run(mirror, { sync, heartbeat: fast })).toBe('queued');
    await bench.records.settings.update({ silentModeEnabled: false });
    expect(await bench.jobs.get(mirror)).toMatchObject({
      updateStatus: 'none',
      lastUpdateStartedAt: null,
      lastUpdateAt: null,
      lastError: null,
      attempts: 0,
      queuedAt: noon,
      leaseToken: null,
      doneSeq: 0,
    });
    expect((await bench.records.runs.list(mirror.id, { page: 1, perPage: 5 })).items).toEqual([]);
    expect(await bench.messages(1)).toEqual([]);
    expect(await bench.jobs.acquire(mirror, { token: 'next', now: noon })).toMatchObject({
      runConfirmDeletions: true,
      runTrigger: byEvent,
    });
  });
});

describe('a lease', () => {
  it('is renewed as long as the run goes on', async () => {
    const { mirror } = await bench.made();
    const sync: RunJobDeps['sync'] = async () => {
      for (let beat = 0; beat < 3; ) beat = (await bench.jobs.get(mirror))?.leaseBeat ?? 0;
      return madeUpRun();
    };
    expect(await run(mirror, { sync, heartbeat: fast })).toBe('done');
  });

  it('that was lost ends the run, and nothing is written', async () => {
    const { mirror } = await bench.made();
    const sync: RunJobDeps['sync'] = async (input, deadline) => {
      const again = { startAt: noon, trigger: byEvent, confirmDeletions: false };
      let broken: unknown;
      while (broken === undefined) {
        broken = await bench.jobs.breakLease((await dueOf(bench.jobs, mirror))!, () => ({
          status: { updateStatus: 'to_retry' },
          now: noon,
          nextDueAt: noon,
          followUpAt: noon,
          again,
        }));
      }
      await bench.jobs.acquire(mirror, { token: 'next', now: noon });
      return endlessRun(input, deadline);
    };
    expect(await run(mirror, { sync, heartbeat: fast })).toBe('lost');
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: 'next', updateStatus: 'to_retry', lastRun: null });
    expect((await bench.records.runs.list(mirror.id, { page: 1, perPage: 5 })).items).toEqual([]);
    expect(bench.events('lease_lost')).toHaveLength(1);
  });

  it('that cannot be renewed is given up in time', async () => {
    const { mirror } = await bench.made();
    const jobs: MirrorJobs = { ...bench.jobs, renew: () => Promise.reject(new GitferryError('storage_unavailable')) };
    expect(await run(mirror, { jobs, sync: endlessRun, heartbeat: { beatMs: 10, giveUpMs: 100 } })).toBe('lost');
    expect(await bench.jobs.get(mirror)).toMatchObject({ updateStatus: 'started', lastRun: null });
  });

  it('is given back although the table was out of reach for a moment', async () => {
    const { mirror } = await bench.made();
    let failures = 2;
    const jobs: MirrorJobs = {
      ...bench.jobs,
      release: (...args) => (failures-- > 0 ? Promise.reject(new GitferryError('storage_unavailable')) : bench.jobs.release(...args)),
    };
    expect(await run(mirror, { jobs, sync: running() })).toBe('done');
    expect(await bench.jobs.get(mirror)).toMatchObject({ leaseToken: null, updateStatus: 'finished' });
  });

  it('of a mirror that is deleted meanwhile is forgotten quietly', async () => {
    const { mirror } = await bench.made();
    expect(await run(mirror, { sync: running({ refs: [moved] }, () => bench.records.mirrors.delete(mirror)) })).toBe('lost');
    expect(await bench.jobs.get(mirror)).toBeUndefined();
    expect(bench.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(bench.events('mirror_deleted_while_running')).toHaveLength(1);
  });
});

describe('time', () => {
  it('that runs out ends the run before the invocation, which asks for it again', async () => {
    const { mirror } = await bench.made();
    const invocation = timeLeft(2000);
    let left = 0;
    const sync: RunJobDeps['sync'] = async (input, deadline) => {
      const synced = await endlessRun(input, deadline);
      left = invocation.remainingMs();
      return synced;
    };
    expect(await run(mirror, { sync }, invocation)).toBe('queued');
    expect(left).toBeGreaterThan(0);
    expect(await bench.jobs.get(mirror)).toMatchObject({ updateStatus: 'to_retry', attempts: 1, lastError: { code: 'deadline_exceeded' } });
  });

  it('that runs out after something moved is no attempt, and the run goes on at once', async () => {
    const { mirror } = await bench.made();
    expect(await run(mirror, { sync: running({ code: 'deadline_exceeded', refs: [moved] }) })).toBe('queued');
    expect(await bench.jobs.get(mirror)).toMatchObject({ attempts: 0, queuedFor: noon });
    expect(await messagesFor(mirror)).toEqual([encodeJob(mirror)]);
  });

  it('is cut short by a shutdown: the run is asked for again and leaves no failure', async () => {
    const { mirror } = await bench.made();
    const invocation = timeLeft();
    const sync: RunJobDeps['sync'] = (input, deadline) => {
      setTimeout(() => invocation.abort(new GitferryError('run_interrupted')), 10);
      return endlessRun(input, deadline);
    };
    expect(await run(mirror, { sync }, invocation)).toBe('queued');
    expect(await bench.jobs.get(mirror)).toMatchObject({
      updateStatus: 'none',
      attempts: 0,
      lastError: null,
      leaseToken: null,
      queuedAt: noon,
    });
    expect(await messagesFor(mirror)).toEqual([encodeJob(mirror)]);
  });
});

describe('a host without room', () => {
  let hosts = 0;
  /** A host whose places are all taken by others, and a mirror of it. */
  async function fullHost() {
    const host = `full-${++hosts}.example`;
    const { mirror } = await bench.made({
      mirror: { url: `https://${host}/r.git` },
      project: { repositoryUrl: `https://empty-${hosts}.example/r.git` },
    });
    const others = await Promise.all(Array.from({ length: 8 }, () => bench.made()));
    for (const [n, { mirror: other }] of others.entries()) {
      await bench.jobs.acquire(other, { token: `busy-${hosts}-${n}`, now: noon });
      await bench.hosts.take(host, { slot: n }, { key: other, credentialId: null, leaseToken: `busy-${hosts}-${n}`, now: noon });
    }
    return { host, mirror, others: others.map(({ mirror: other }, n) => ({ mirror: other, token: `busy-${hosts}-${n}` })) };
  }
  /** As the engine does when the source has listed its refs. */
  const admitted: RunJobDeps['sync'] = async ({ admitTarget }) => {
    const refused = await admitTarget?.(Promise.resolve()).then(
      () => undefined,
      () => 'run_interrupted' as const,
    );
    return madeUpRun(refused === undefined ? {} : { code: refused });
  };

  it('puts the run into its list: nothing has failed, and no message wakes it', async () => {
    const { host, mirror } = await fullHost();
    expect(await run(mirror, { sync: admitted })).toBe('queued');
    expect(await bench.jobs.get(mirror)).toMatchObject({
      attempts: 0,
      queuedTrigger: byEvent,
      leaseToken: null,
      waiting: { for: 'room', host, since: noon },
    });
    expect(await bench.hosts.waiting(host, 10)).toMatchObject([{ key: { mirror: mirror.mirror } }]);
    expect(await messagesFor(mirror)).toEqual([]);
    // The place at the other host was given back.
    expect(await slotsOf(`empty-${hosts}.example`)).toEqual([]);
    // An event of meanwhile changes nothing about that.
    await bench.request(mirror);
    expect(await run(mirror, { sync: () => Promise.reject(new Error('it ran')) })).toBe('nothing');
  });

  it('calls it when a run there ends, and keeps a place for it', async () => {
    const { host, mirror } = await fullHost();
    await run(mirror, { sync: admitted });
    const [{ mirror: other }] = [await bench.made({ mirror: { url: `https://${host}/o.git` } })];
    await bench.hosts.free(host, 3, `busy-${hosts}-3`);
    // Somebody who passes by, and whose place is then free again.
    expect(await run(other, { sync: running() })).toBe('done');
    expect(await messagesFor(mirror)).toEqual([encodeJob(mirror)]);
    expect((await bench.hosts.view(host)).places.filter(({ keptFor }) => keptFor !== undefined)).toMatchObject([
      { keptFor: { key: { mirror: mirror.mirror } } },
    ]);
    expect(await bench.hosts.waiting(host, 10)).toEqual([]);
    expect(await run(mirror, { sync: admitted })).toBe('done');
    expect(await bench.jobs.get(mirror)).toMatchObject({ waiting: null, queuedAt: null, updateStatus: 'finished' });
  });

  it('loses nobody who began to wait while a place was freed', async () => {
    const { host, mirror, others } = await fullHost();
    const hostsOfBench = bench.hosts;
    // Between its look and its entry in the list, a place is freed by somebody who saw nobody waiting.
    const slow: RunJobDeps['hosts'] = {
      ...hostsOfBench,
      async join(name, entry) {
        await hostsOfBench.free(host, 5, others[5]?.token ?? '');
        return hostsOfBench.join(name, entry);
      },
    };
    expect(await run(mirror, { sync: admitted, hosts: slow })).toBe('queued');
    expect(await messagesFor(mirror)).toEqual([encodeJob(mirror)]);
    expect(await run(mirror, { sync: admitted })).toBe('done');
  });

  it('takes the place of a run that died', async () => {
    const { mirror, others } = await fullHost();
    const [dead] = others;
    if (dead !== undefined) await bench.jobs.release(dead.mirror, dead.token, { status: {}, now: noon, nextDueAt: null, followUpAt: noon });
    bench.clock.add(3 * minute);
    expect(await run(mirror, { sync: admitted })).toBe('done');
    bench.clock.set(noon);
  });

  it('gives a project a quarter of its places at most', async () => {
    const host = `shared-${++hosts}.example`;
    const { project, mirror } = await bench.made({
      mirror: { url: `https://${host}/a.git` },
      project: { repositoryUrl: `https://${host}/p.git` },
    });
    for (const slot of [0, 1]) {
      const key = { projectId: project.id, mirror: 900_000 + slot };
      await bench.hosts.take(host, { slot }, { key, credentialId: null, leaseToken: `own-${slot}`, now: noon });
    }
    expect(await run(mirror, { sync: running() })).toBe('queued');
    expect(await bench.jobs.get(mirror)).toMatchObject({ waiting: { for: 'room', host } });
  });

  it('is not asked for a place at the target before a slow source has answered, where half of its places are in use', async () => {
    const host = `half-${++hosts}.example`;
    const { mirror } = await bench.made({
      mirror: { url: `https://${host}/a.git` },
      project: { repositoryUrl: `https://source-${hosts}.example/p.git` },
    });
    for (const slot of [0, 1, 2, 3]) {
      const key = { projectId: 900_000 + slot, mirror: 1 };
      await bench.hosts.take(host, { slot }, { key, credentialId: null, leaseToken: `other-${slot}`, now: noon });
    }
    const held = async () =>
      (await bench.hosts.view(host)).places.filter(({ holder }) => holder?.key.projectId === mirror.projectId).length;
    const sync: RunJobDeps['sync'] = async ({ admitTarget }) => {
      let answer = (): void => {};
      const admission = admitTarget?.(
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
      );
      expect(await held()).toBe(0);
      answer();
      await admission;
      expect(await held()).toBe(1);
      return madeUpRun();
    };
    expect(await run(mirror, { sync })).toBe('done');
    expect(await held()).toBe(0);
  });
});

describe('a host that gives no answer', () => {
  let downs = 0;
  const down = { host: '', mirrors: [] as MirrorKey[] };
  const silent = (code: 'connection_failed' | 'server_error' | 'rate_limited', retryAfterSeconds?: number): RunJobDeps['sync'] => {
    const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    return async () => ({ ...madeUpRun({ code }), hosts: [{ host: down.host, failure: new GitferryError(code, details) }] });
  };
  const answering: RunJobDeps['sync'] = async () => ({ ...madeUpRun(), hosts: [{ host: down.host, failure: undefined }] });
  const forbidden: RunJobDeps['sync'] = () => Promise.reject(new Error('it ran'));

  beforeEach(async () => {
    down.host = `down-${++downs}.example`;
    down.mirrors = [];
    for (let n = 0; n < 5; n++) {
      const { mirror } = await bench.made({
        mirror: { url: `https://${down.host}/${n}.git` },
        project: { repositoryUrl: `https://source-down-${downs}.example/${n}.git` },
      });
      down.mirrors.push(mirror);
    }
    bench.lines.length = 0;
  });
  afterEach(() => bench.clock.set(noon));
  /** Those of them that were sent a message. */
  const called = async (): Promise<readonly MirrorKey[]> => {
    const bodies = await bench.messages();
    return down.mirrors.filter((mirror) => bodies.includes(encodeJob(mirror)));
  };
  const all = () => Promise.all(down.mirrors.map((mirror) => bench.jobs.get(mirror)));

  it('is one fact: three runs find out, the others wait without asking, nobody spends an attempt, and it is told once', async () => {
    for (const mirror of down.mirrors.slice(0, 3)) expect(await run(mirror, { sync: silent('connection_failed') })).toBe('queued');
    for (const mirror of down.mirrors.slice(3)) expect(await run(mirror, { sync: forbidden })).toBe('queued');
    for (const mirror of await all())
      expect(mirror).toMatchObject({
        updateStatus: 'to_retry',
        attempts: 0,
        failing: false,
        lastError: { code: 'connection_failed' },
        waiting: { for: 'host_down', host: down.host, since: noon },
      });
    expect(bench.events('host_down')).toMatchObject([{ host: down.host, level: 'warn' }]);
    expect(bench.events('mirror_failing')).toEqual([]);
    // Events of meanwhile cost nothing.
    for (const mirror of down.mirrors) await bench.request(mirror);
    for (const mirror of down.mirrors) expect(await run(mirror, { sync: forbidden })).toBe('nothing');
  });

  it('is asked by one run when its time has come, and all are called when it answers', async () => {
    for (const mirror of down.mirrors) await run(mirror, { sync: silent('connection_failed') });
    await bench.messages();
    bench.clock.add(minute);
    await tick({ time: bench.clock.now(), deadline: timeLeft() }, bench);
    const [prober = plain, ...more] = await called();
    expect(more).toEqual([]);
    expect(await run(prober, { sync: answering })).toBe('done');
    expect(bench.events('host_up')).toMatchObject([{ host: down.host }]);
    for (let left = down.mirrors.length - 1; left > 0; ) {
      const next = await called();
      expect(next.length).toBeGreaterThan(0);
      for (const mirror of next) expect(await run(mirror, { sync: answering })).toBe('done');
      left -= next.length;
    }
    for (const mirror of await all()) expect(mirror).toMatchObject({ updateStatus: 'finished', lastError: null, waiting: null });
    expect(bench.events('host_up')).toHaveLength(1);
    expect(bench.events('mirror_recovered')).toEqual([]);
  });

  it('for an hour has failed for people, whatever the number of attempts', async () => {
    for (let asked = 0; asked < 90; asked++) {
      const mirror = await bench.jobs.get(down.mirrors[0] ?? plain);
      if (mirror?.waiting) await bench.jobs.call(mirror, { entry: mirror.waiting.entry, now: bench.clock.now() });
      await run(down.mirrors[0] ?? plain, { sync: silent('connection_failed') });
      bench.clock.add(minute);
    }
    expect(await bench.jobs.get(down.mirrors[0] ?? plain)).toMatchObject({
      updateStatus: 'failed',
      attempts: 0,
      failedRuns: 0,
      paused: false,
    });
    expect(bench.events('host_down')).toHaveLength(1);
  });

  it('is asked again when it said, and not before', async () => {
    for (const mirror of down.mirrors) await run(mirror, { sync: silent('rate_limited', 600) });
    bench.clock.add(9 * minute);
    await tick({ time: bench.clock.now(), deadline: timeLeft() }, bench);
    expect(await called()).toEqual([]);
    bench.clock.add(2 * minute);
    await tick({ time: bench.clock.now(), deadline: timeLeft() }, bench);
    expect(await called()).toHaveLength(1);
  });

  it("to one repository but to others is that mirror's own failure, which spends its attempts", async () => {
    const [broken, ...well] = down.mirrors;
    if (broken === undefined) throw new Error('no mirror');
    await run(broken, { sync: silent('server_error') });
    expect(await bench.jobs.get(broken)).toMatchObject({ attempts: 0, waiting: { for: 'host_down' } });
    bench.clock.add(1000);
    for (const mirror of well) expect(await run(mirror, { sync: answering })).toBe('done');
    bench.clock.add(minute);
    await tick({ time: bench.clock.now(), deadline: timeLeft() }, bench);
    expect(await called()).toEqual([broken]);
    expect(await run(broken, { sync: silent('server_error') })).toBe('queued');
    expect(await bench.jobs.get(broken)).toMatchObject({ attempts: 1, updateStatus: 'to_retry', waiting: null });
    expect(bench.events('host_down')).toEqual([]);
  });

  it('to the repositories of one project, when it answers with errors, is no reason for others to wait', async () => {
    const { project, mirror } = await bench.made({
      mirror: { url: `https://${down.host}/x.git` },
      project: { repositoryUrl: `https://${down.host}/y.git` },
    });
    for (const n of [1, 2, 3]) {
      const reports = {
        reports: [{ host: down.host, failure: new GitferryError('server_error') }],
        ends: [{ host: down.host, credentialId: null }],
        failed: 'server_error',
      };
      await noteReports({ ...mirror, mirror: 900_000 + n }, reports, bench);
    }
    expect(project.id).toBe(mirror.projectId);
    expect(await run(mirror, { sync: forbidden })).toBe('queued');
    expect(await run(down.mirrors[0] ?? plain, { sync: answering })).toBe('done');
  });

  it('is asked at once by somebody who has mended it', async () => {
    for (const mirror of down.mirrors.slice(0, 3)) await run(mirror, { sync: silent('connection_failed') });
    bench.clock.add(20_000);
    const asked = down.mirrors[4] ?? plain;
    await run(asked, { sync: forbidden });
    await updateNow(asked, { who: 'ada', confirmDeletions: false }, { ...bench, settings: bench.records.settings });
    expect(await messagesFor(asked)).toEqual([encodeJob(asked)]);
    expect(await run(asked, { sync: answering })).toBe('done');
    expect(bench.events('host_up')).toHaveLength(1);
  });
});

describe('webhooks that are silent', () => {
  it.each([
    ['a scheduled run that found changes', bySchedule, [moved], true],
    ['a scheduled run that found none', bySchedule, [], false],
    ['a run that an event asked for', byEvent, [moved], false],
  ])('after %s', async (_, trigger, refs, isSilent) => {
    const { project, mirror } = await bench.made();
    const hook = await bench.records.hooks.create(project.id, { provider: 'github', tokenHash: `hash-${project.id}` }, noon);
    bench.clock.add(hour);
    await run(mirror, { sync: running() });
    bench.clock.add(hour);
    await bench.request(mirror, trigger);
    await run(mirror, { sync: running({ refs }) });
    const [after] = await bench.records.hooks.ofProject(project.id);
    expect(after?.id).toBe(hook?.id);
    expect(after?.silentSince).toBe(isSilent ? noon + 2 * hour : null);
    expect(bench.events('hook_silent')).toHaveLength(isSilent ? 1 : 0);
    bench.clock.set(noon);
  });
});

describe('the log', () => {
  it('never holds a credential', async () => {
    const secretName = await bench.secrets.create('credential', { username: 'ada', password: 'correct-horse-battery' });
    const { mirror } = await bench.made({
      project: { repositoryUrl: 'http://127.0.0.1:1/project.git', credential: { kind: 'own', secretName } },
      mirror: { url: 'http://127.0.0.1:1/mirror.git' },
    });
    expect(await run(mirror)).toBe('queued');
    expect(bench.events('run_finished')).toHaveLength(1);
    expect(JSON.stringify(bench.lines)).not.toContain('correct-horse');
  });
});
