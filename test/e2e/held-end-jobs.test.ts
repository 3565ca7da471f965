/** A run that is ended from outside while the end of its push is held back: the target keeps its refs, and the next run completes the mirror. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { runJob } from '../../lib/jobs/run-job.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import { git, refsOf } from '../support/git.ts';
import { beginningOf } from '../support/git-http-server.ts';
import { type JobBench, openJobBench, timeLeft } from '../support/job-bench.ts';
import { lfsScenario } from '../support/lfs-scenario.ts';
import { started } from '../support/scenario.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

const heartbeat = { beatMs: 20, giveUpMs: 60_000 };
const interruption = new GitferryError('run_interrupted');

it.each([
  ['silent mode', 'queued', () => bench.records.settings.update({ silentModeEnabled: true })],
  ['the end of its process', 'queued', (_, deadline) => deadline.abort(interruption)],
  ['the deletion of its mirror', 'lost', (mirror) => bench.records.mirrors.delete(mirror)],
] satisfies [string, string, (mirror: Mirror, deadline: ReturnType<typeof timeLeft>) => unknown][])(
  'By %s: the answer is "%s", no ref moves, and both sides are left',
  async (_how, answer, intervene) => {
    const made = await lfsScenario();
    let intervention: (() => unknown) | undefined;
    let [bytesAtTarget, open] = [0, 0];
    const source = await started(join(made.folder, 'source'), {
      async intercept({ isRpc, request, response }) {
        const body = isRpc ? await beginningOf(request) : '';
        if (!body.includes('command=fetch')) return false;
        open++;
        response.once('close', () => open--);
        if (body.includes('thin-pack') || intervention === undefined) return false;
        await expect.poll(() => bytesAtTarget, { timeout: 20_000 }).toBeGreaterThan(1_400_000);
        const act = intervention;
        intervention = undefined;
        await act();
        // The look is never answered.
        return true;
      },
    });
    const target = await started(join(made.folder, 'target'), {
      onRequestBytes: (_service, chunk) => {
        bytesAtTarget += chunk.length;
      },
    });
    await made.commit({ 'a.bin': randomBytes(1_500_000).toString('latin1') });
    const { mirror } = await bench.made({
      project: { repositoryUrl: source.url('repo.git') },
      mirror: { url: target.url('repo.git') },
    });
    const deadline = timeLeft();
    const run = () => runJob(mirror, { deadline }, { ...bench, heartbeat });
    intervention = () => intervene(mirror, deadline);
    expect(await run()).toBe(answer);
    expect(bytesAtTarget).toBeGreaterThan(0);
    expect(await refsOf(made.target.path, ['refs/'])).toEqual({});
    await expect.poll(() => open).toBe(0);
    await target.idle();
    deadline.clear();
    await bench.records.settings.update({ silentModeEnabled: false });
    expect(await made.sync()).toMatchObject({ outcome: 'success', counts: { created: 1 } });
    expect(await refsOf(made.target.path)).toEqual(await refsOf(made.source.path));
    await git(made.target.path, ['fsck', '--strict']);
  },
);
