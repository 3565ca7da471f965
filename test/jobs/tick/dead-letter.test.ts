import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markDead } from '../../../lib/jobs/tick/dead-letter.ts';
import { type JobBench, openJobBench } from '../../support/job-bench.ts';
import { noon, putMirror } from '../../support/mirrors.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

describe('a message that was delivered too often', () => {
  it('marks its mirror failed and leaves the request to the tick', async () => {
    const mirror = await putMirror(bench.aws);
    await bench.request(mirror);
    expect(await markDead(mirror, bench)).toBe('marked');
    expect(await bench.jobs.get(mirror)).toMatchObject({
      updateStatus: 'failed',
      lastError: { code: 'run_interrupted' },
      lastUpdateAt: noon,
      requestedSeq: 1,
      doneSeq: 0,
      queuedAt: noon,
    });
    expect(bench.events('message_dead')).toHaveLength(1);
  });

  it('says nothing of a mirror that is done, or gone', async () => {
    const mirror = await putMirror(bench.aws);
    expect(await markDead(mirror, bench)).toBe('nothing');
    expect(await markDead({ projectId: 4711, mirror: 'pull' }, bench)).toBe('nothing');
    expect(await bench.jobs.get(mirror)).toEqual(mirror);
  });
});
