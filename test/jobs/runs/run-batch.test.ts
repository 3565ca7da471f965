import { describe, expect, it } from 'vitest';
import type { Deadline } from '../../../lib/core/deadline.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { createLog } from '../../../lib/core/log.ts';
import { runBatch } from '../../../lib/jobs/runs/run-batch.ts';
import { encodeJob } from '../../../lib/model/job.ts';
import type { MirrorKey } from '../../../lib/model/mirror.ts';

function batch(run: (key: MirrorKey, deadline: Deadline) => Promise<unknown>) {
  const lines: string[] = [];
  const running = new Set<Deadline>();
  const log = createLog((line) => lines.push(line), 'debug');
  return {
    lines,
    running,
    run: (bodies: readonly string[]) =>
      runBatch(
        bodies.map((body, index) => ({ id: `m${index}`, body })),
        1000,
        { log, run, running },
      ),
  };
}

describe('runBatch', () => {
  it('runs the jobs of a batch side by side', async () => {
    let arrive: () => void = () => {};
    const bothArrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    let arrived = 0;
    const { run } = batch(async () => {
      if (++arrived === 2) arrive();
      await bothArrived;
    });
    expect(await run([encodeJob({ projectId: 1, mirror: 2 }), encodeJob({ projectId: 1, mirror: 'pull' })])).toEqual([]);
  });

  it('hands back only the messages of jobs that could not be begun', async () => {
    const { run, lines } = batch(async ({ mirror }) => {
      if (mirror === 2) throw new GitferryError('storage_unavailable');
    });
    const bodies = [1, 2, 3].map((mirror) => encodeJob({ projectId: 1, mirror }));
    expect(await run(bodies)).toEqual(['m1']);
    expect(lines.join('')).toContain('storage_unavailable');
  });

  it.each([
    '',
    'null',
    '[]',
    '{"project":1}',
    '{"project":"1","mirror":2}',
    '{"project":1,"mirror":2,"x":1}',
    '{"project":-1,"mirror":"pull"}',
    '\u0000',
  ])('drops %j, which is not a message of ours, and says so', async (body) => {
    const { run, lines } = batch(() => Promise.reject(new Error('must not run')));
    expect(await run([body])).toEqual([]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'message_not_ours', message_id: 'm0' });
  });

  it('runs a mirror once, however many messages of a batch name it', async () => {
    const ran: MirrorKey[] = [];
    const { run } = batch(async (key) => ran.push(key));
    const body = encodeJob({ projectId: 1, mirror: 2 });
    expect(await run([body, body, body])).toEqual([]);
    expect(ran).toEqual([{ projectId: 1, mirror: 2 }]);
  });

  it('gives each job a deadline that can be ended from outside, and forgets it afterwards', async () => {
    const { run, running } = batch(
      (_key, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
          for (const deadline of running) deadline.abort(new GitferryError('run_interrupted'));
        }),
    );
    expect(await run([encodeJob({ projectId: 1, mirror: 2 })])).toEqual([]);
    expect(running.size).toBe(0);
  });
});
