/** A host that is down for 20 minutes while its mirrors are pushed to: what it is asked, when all are current again, and what people hear. The clock is made up. */
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import type { JobQueue } from '../../lib/jobs/requests/job-queue.ts';
import { requestRuns } from '../../lib/jobs/requests/request-run.ts';
import { type RunJobDeps, runJob } from '../../lib/jobs/runs/run-job.ts';
import { tick } from '../../lib/jobs/tick/tick.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import { madeUpRun, openJobBench } from '../support/job-bench.ts';
import type { TorturePart } from './torture-part.ts';

const host = 'forge.example.org';
const downMinutes = 20;
const pushEveryMinutes = 5;
const workers = 24;
/** How long a run takes that has something to do, by the made-up clock. */
const runMs = 1_000;
const mostRequestsWhileDown = 60;
const currentWithinMs = 5 * 60_000;

export const outage: TorturePart = {
  name: 'outage',
  async run({ isQuick, report }) {
    const count = isQuick ? 12 : 200;
    const bench = await openJobBench();
    try {
      const scene = new Scene(bench);
      const mirrors: MirrorKey[] = [];
      for (let n = 0; n < count; n++) {
        const repositoryUrl = `https://source-${n}.example.org/r.git`;
        mirrors.push((await bench.made({ mirror: { url: `https://${host}/${n}.git` }, project: { repositoryUrl }, trigger: null })).mirror);
      }
      scene.isDown = true;
      for (let minute = 0; minute < downMinutes; minute++) {
        if (minute % pushEveryMinutes === 0) await scene.push(mirrors);
        await scene.passMinute();
      }
      const whileDown = scene.asked;
      scene.isDown = false;
      const backAt = bench.clock.now();
      let left = mirrors.length;
      for (let minute = 0; left > 0 && minute < 30; minute++) {
        await scene.passMinute();
        const now = await Promise.all(mirrors.map((mirror) => bench.jobs.get(mirror)));
        left = now.filter(
          (mirror) => mirror === undefined || mirror.requestedSeq > mirror.doneSeq || mirror.updateStatus !== 'finished',
        ).length;
      }
      const currentMs = scene.lastRunAt - backAt;
      const told = ['host_down', 'host_up', 'mirror_failing', 'mirror_recovered', 'mirror_paused'].flatMap((name) => bench.events(name));
      const failed = (await Promise.all(mirrors.map((mirror) => bench.jobs.get(mirror)))).filter((mirror) => mirror?.attempts !== 0).length;
      const seen = `${whileDown} requests while down; all current ${Math.round(currentMs / 1000)} s after (${left} were not); ${told.length} messages`;
      report({
        fault: `a host with ${count} mirrors is down for ${downMinutes} minutes, each pushed to every ${pushEveryMinutes} (made-up clock)`,
        injected: count,
        promised: `at most ${mostRequestsWhileDown} requests while down, all current within 5 minutes after, 2 messages, no attempt spent`,
        seen,
        breaches: [
          ...(whileDown > mostRequestsWhileDown ? [`${whileDown} requests`] : []),
          ...(left > 0 || currentMs > currentWithinMs ? [seen] : []),
          ...(told.length === 2 ? [] : told.map(({ event }) => `told: ${event}`)),
          ...(failed > 0 ? [`${failed} mirrors spent attempts`] : []),
        ],
      });
    } finally {
      await bench.close();
    }
  },
};

type Bench = Awaited<ReturnType<typeof openJobBench>>;

class Scene {
  readonly #bench: Bench;
  #messages: { readonly key: MirrorKey; readonly at: number }[] = [];
  isDown = false;
  /** Conversations with the host that were tried. */
  asked = 0;
  lastRunAt = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async push(mirrors: readonly MirrorKey[]): Promise<void> {
    const trigger = { kind: 'event', who: 'github' } as const;
    await requestRuns(mirrors, { trigger }, { ...this.#bench, queue: this.#queue, settings: this.#bench.records.settings });
  }

  /** A tick, and all that comes of it within the minute. */
  async passMinute(): Promise<void> {
    const { clock } = this.#bench;
    const end = clock.now() + 60_000;
    const deadline = createDeadline(600_000);
    await tick({ time: clock.now(), deadline }, { ...this.#bench, queue: this.#queue, workers });
    deadline.clear();
    while (clock.now() < end) {
      const available = this.#messages.filter(({ at }) => at <= clock.now()).slice(0, workers);
      this.#messages = this.#messages.filter((message) => !available.includes(message));
      const before = this.asked;
      await Promise.all(available.map(({ key }) => this.#work(key)));
      clock.add(available.length > 0 && this.asked > before ? runMs : 100);
      if (available.length === 0 && !this.#messages.some(({ at }) => at < end)) clock.set(end);
    }
  }

  async #work(key: MirrorKey): Promise<void> {
    const deadline = createDeadline(600_000);
    await runJob(key, { deadline }, { ...this.#bench, queue: this.#queue, sync: this.#sync, workers });
    deadline.clear();
  }

  readonly #sync: RunJobDeps['sync'] = async ({ admitTarget }) => {
    const refused = await admitTarget?.(Promise.resolve()).then(
      () => false,
      () => true,
    );
    if (refused === true) return madeUpRun({ code: 'run_interrupted' });
    this.asked++;
    if (this.isDown)
      return { ...madeUpRun({ code: 'connection_failed' }), hosts: [{ host, failure: new GitferryError('connection_failed') }] };
    this.lastRunAt = this.#bench.clock.now() + runMs;
    return { ...madeUpRun(), hosts: [{ host, failure: undefined }] };
  };

  readonly #queue: JobQueue = {
    send: async (wakeUps) => {
      const now = this.#bench.clock.now();
      this.#messages.push(...wakeUps.map(({ key, delaySeconds }) => ({ key, at: now + delaySeconds * 1000 })));
      return [];
    },
  };
}
