import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../lib/core/redact.ts';
import { serviceLimits } from '../../../lib/core/service-limits.ts';
import { activityOf, finishedRun, runIdOf, runRecord } from '../../../lib/jobs/runs/run-record.ts';
import type { RefOutcome } from '../../../lib/mirror/outcome.ts';
import { madeUpRun } from '../../support/job-bench.ts';
import { noon, plainMirror } from '../../support/mirrors.ts';

const times = { startedAt: noon, finishedAt: noon + 1000 };
const ref = (name: string, result: RefOutcome['result'], reason: string | null = null): RefOutcome => ({
  ref: name,
  result,
  old: null,
  new: null,
  reason,
});
const record = (refs: readonly RefOutcome[]) => {
  const { outcome, redactor } = madeUpRun({ refs });
  return runRecord(finishedRun(plainMirror, 'id', times, { outcome }), outcome, redactor);
};

describe('a run’s record', () => {
  it('has ids that sort by time', () => {
    expect([runIdOf(noon + 1, 'a'), runIdOf(noon, 'b')].sort()).toEqual([runIdOf(noon, 'b'), runIdOf(noon + 1, 'a')]);
  });

  it('keeps 10,000 refs, those first that were not merely kept, and counts all', async () => {
    const kept = Array.from({ length: 8000 }, (_, n) => ref(`refs/heads/kept-${n}`, 'kept'));
    const others = Array.from({ length: 4000 }, (_, n) => ref(`refs/heads/moved-${n}`, n % 2 === 0 ? 'created' : 'rejected'));
    const { refs, refsTotal, counts } = await record([...kept, ...others]);
    expect(refsTotal).toBe(12_000);
    expect(refs).toHaveLength(serviceLimits.runRefs);
    expect(refs.filter(({ result }) => result !== 'kept')).toHaveLength(4000);
    expect(counts).toMatchObject({ kept: 8000, created: 2000, rejected: 2000 });
  });

  it('keeps the order of a list that is short enough', async () => {
    const refs = [ref('refs/heads/a', 'kept'), ref('refs/heads/b', 'created')];
    expect((await record(refs)).refs).toEqual(refs);
  });

  it('holds no secret', async () => {
    const { outcome } = madeUpRun({ refs: [ref('refs/heads/a', 'rejected', 'no: hunter22')] });
    const redactor = createRedactor([{ password: 'hunter22' }]);
    expect(JSON.stringify(await runRecord(finishedRun(plainMirror, 'id', times, { outcome }), outcome, redactor))).not.toContain(
      'hunter22',
    );
  });
});

describe('activity', () => {
  it('is what moved', () => {
    const results = ['created', 'updated', 'forced', 'deleted', 'diverged', 'kept', 'rejected', 'raced'] as const;
    const refs = results.map((result) => ref(`refs/heads/${result}`, result));
    const { outcome } = madeUpRun({ refs });
    const run = finishedRun(plainMirror, 'id', times, { outcome });
    expect(activityOf(plainMirror, run, refs).map(({ result, at, runId }) => `${result} ${at - noon} ${runId}`)).toEqual(
      ['created', 'updated', 'forced', 'deleted'].map((result) => `${result} 1000 id`),
    );
  });
});
