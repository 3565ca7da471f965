/** Slices in the service: what is learned of the target's limit, and a history that one invocation has no time for. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { runJob } from '../../lib/jobs/runs/run-job.ts';
import { git, refsOf } from '../support/git.ts';
import { beginningOf, type GitHttpServerOptions } from '../support/git-http-server.ts';
import { type JobBench, openJobBench, timeLeft } from '../support/job-bench.ts';
import { scenario } from '../support/scenario.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

const heartbeat = { beatMs: 1000, giveUpMs: 120_000 };

type ServerOptions = Omit<GitHttpServerOptions, 'root'>;

async function world(commits: number, bytes: number, targetServer: ServerOptions = {}, sourceServer: ServerOptions = {}) {
  const made = await scenario({ parents: { c1: [] }, source: { 'heads/main': 'c1' }, target: {}, targetServer, sourceServer });
  const lines: Buffer[] = [];
  for (let index = 0; index < commits; index++) {
    const from = index === 0 ? 'from refs/heads/main^0\n' : '';
    lines.push(Buffer.from(`commit refs/heads/main\ncommitter T <t@example.org> ${1_800_000_000 + index} +0000\ndata 1\nx\n${from}`));
    lines.push(Buffer.from(`M 100644 inline ${index}.bin\ndata ${bytes}\n`), randomBytes(bytes), Buffer.from('\n'));
  }
  await git(made.source, ['fast-import', '--quiet'], { input: Buffer.concat(lines) });
  const { mirror } = await bench.made({ project: { repositoryUrl: made.sourceUrl }, mirror: { url: made.targetUrl } });
  const now = async () => (await bench.records.mirrors.get(mirror)) ?? mirror;
  const run = async (deadline = timeLeft()) => {
    try {
      return await runJob(mirror, { deadline }, { ...bench, heartbeat });
    } finally {
      deadline.clear();
    }
  };
  return { ...made, mirror, now, run };
}

describe('a target that takes 1 MB a push', () => {
  it('is remembered as such, and the run counts its slices', async () => {
    const { source, target, run, now, mirror } = await world(30, 100_000);
    await git(target, ['config', 'receive.maxInputSize', '1000000']);
    expect(await run()).toBe('done');
    const after = await now();
    expect(after).toMatchObject({ updateStatus: 'finished', pushLimit: { reason: 'refused' } });
    expect(after.lastRun?.slices).toBeGreaterThan(2);
    expect(await refsOf(target, ['refs/'])).toEqual(await refsOf(source, ['refs/']));
    await bench.records.mirrors.update(mirror, { url: 'http://127.0.0.1:1/other.git' }, { resetStatus: true });
    expect((await now()).pushLimit ?? null).toBeNull();
  });
});

describe('a history that one invocation has no time for', () => {
  it('goes on in slices at once, with no attempt counted, until all is there', async () => {
    let bytes = 0;
    let cutAt = 18 * 1024 * 1024;
    let deadline = timeLeft();
    const { source, target, run, now } = await world(24, 1_000_000, {
      onRequestBytes(service, chunk) {
        if (service !== 'git-receive-pack') return;
        bytes += chunk.length;
        if (bytes > cutAt) deadline.abort(new GitferryError('deadline_exceeded'));
      },
    });
    // The push as a whole is cut off in its middle.
    expect(await run(deadline)).toBe('queued');
    expect(await now()).toMatchObject({ updateStatus: 'to_retry', attempts: 0, pushLimit: { reason: 'time' } });
    expect(await refsOf(target, ['refs/'])).toEqual({});

    // So are the slices after some of them.
    [bytes, cutAt, deadline] = [0, 8 * 1024 * 1024, timeLeft()];
    expect(await run(deadline)).toBe('queued');
    const between = await now();
    expect(between).toMatchObject({ updateStatus: 'to_retry', attempts: 0 });
    expect(between.lastRun?.slices).toBeGreaterThan(0);
    expect(Object.keys(await refsOf(target, ['refs/gitferry/'])).length).toBeGreaterThan(0);

    [bytes, cutAt] = [0, Number.POSITIVE_INFINITY];
    expect(await run()).toBe('done');
    expect(await now()).toMatchObject({ updateStatus: 'finished' });
    expect((await now()).pushLimit ?? null).toBeNull();
    expect(bytes).toBeLessThan(24_000_000);
    expect(await refsOf(target, ['refs/'])).toEqual(await refsOf(source, ['refs/']));
    await git(target, ['fsck', '--strict']);
  });
});

describe('a source that needs longer than an invocation to make the whole pack', () => {
  it('is asked for slices by the next one', async () => {
    let deadline: ReturnType<typeof timeLeft> | undefined = timeLeft();
    const { source, target, run, now } = await world(20, 1_000, undefined, {
      async intercept({ isRpc, request }) {
        const body = isRpc ? await beginningOf(request) : '';
        if (!body.includes('command=fetch') || !body.includes('thin-pack') || deadline === undefined) return false;
        deadline.abort(new GitferryError('deadline_exceeded'));
        return true;
      },
    });
    expect(await run(deadline)).toBe('queued');
    expect(await now()).toMatchObject({ updateStatus: 'to_retry', attempts: 0, pushLimit: { reason: 'time' } });
    deadline = undefined;
    expect(await run()).toBe('done');
    expect((await now()).lastRun?.slices).toBeGreaterThan(0);
    expect(await refsOf(target, ['refs/'])).toEqual(await refsOf(source, ['refs/']));
  });
});
