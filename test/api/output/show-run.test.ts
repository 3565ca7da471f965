import { expect, it } from 'vitest';
import { showRunWithRefs } from '../../../lib/api/output/show-run.ts';
import { limits } from '../../../lib/core/limits.ts';
import { sampleRun } from '../../support/sample-records.ts';
import { turnsDuring } from '../../support/turns-during.ts';

it('A run of many refs lets everything else have its turn while addresses are looked for in their reasons', async () => {
  const ref = { ref: 'refs/heads/x', result: 'rejected', old: null, new: 'a'.repeat(40), reason: 'words' };
  const slowly = (words: string): string => {
    const end = performance.now() + limits.turnMs + 1;
    while (performance.now() < end);
    return words.toUpperCase();
  };
  const run = sampleRun({ refs: Array.from({ length: 12 }, () => ref) });
  expect(await turnsDuring(() => showRunWithRefs(run, slowly))).toBeGreaterThanOrEqual(run.refs.length);
  expect((await showRunWithRefs(run, slowly)).refs).toEqual(run.refs.map((each) => ({ ...each, reason: 'WORDS' })));
});
