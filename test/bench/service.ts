/** The local service: from a webhook to the commit on the mirror, under load, and what an event costs. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAwsEndpoints } from '../../lib/local/aws-endpoints.ts';
import { git } from '../support/git.ts';
import { awsEnvironment, type RunningService, startService } from '../support/service.ts';
import { type Contender, contest } from './contest.ts';
import { makeRepository } from './made-repository.ts';
import { measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { removeAll, type Workbench } from './workbench.ts';

const eventsPerSecond = 100;
const loadSeconds = 10;
const warmUpEvents = 300;
const countedEvents = 2_000;
/** USER_HZ, proc(5). */
const ticksPerSecond = 100;

interface Registered {
  readonly service: RunningService;
  readonly project: number;
  /** A mirror's path in the API. */
  readonly mirror: string;
  event(): Promise<Response>;
}

/** A project, a push mirror and a hook; the first run is over. */
async function register(service: RunningService, source: string, target: string): Promise<Registered> {
  await service.api('PUT', '/application/settings', { push_min_interval: 0 });
  const { id: project } = (await service.api('POST', '/projects', { path: 'bench/app', repository_url: source })).body;
  const hook = (await service.api('POST', `/projects/${project}/incoming_hooks`, { provider: 'github' })).body;
  const { id } = (await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target, enabled: true })).body;
  const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'bench/app', clone_url: source } });
  const signature = `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`;
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature };
  const registered = {
    service,
    project,
    mirror: `/projects/${project}/remote_mirrors/${id}`,
    event: () => fetch(hook.url, { method: 'POST', headers, body }),
  };
  await untilIdle(registered);
  return registered;
}

async function untilIdle({ service, mirror }: Registered): Promise<void> {
  for (;;) {
    const { update_status: status, next_run_at: next } = (await service.api('GET', mirror)).body;
    if (status === 'finished' && Date.parse(next) > Date.now() + 60_000) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A new commit on main with the same files. */
async function commit(path: string): Promise<string> {
  const parent = await git(path, ['rev-parse', 'refs/heads/main']);
  const oid = await git(path, ['commit-tree', `${parent}^{tree}`, '-p', parent, '-m', `change ${process.hrtime.bigint()}`]);
  await git(path, ['update-ref', 'refs/heads/main', oid]);
  return oid;
}

async function untilAt(path: string, oid: string): Promise<void> {
  while ((await readFile(join(path, 'refs/heads/main'), 'utf8').catch(() => '')).trim() !== oid)
    await new Promise((resolve) => setTimeout(resolve, 2));
}

export async function benchPushToMirror(bench: Workbench): Promise<Finding> {
  const [source, target, pushed] = [bench.sourcePath('live.git'), bench.targetPath('live.git'), bench.targetPath('pushed.git')];
  await makeRepository(source, { commits: 300, branches: 10, tags: 5, files: 50, assetBytes: 0 });
  for (const path of [target, pushed]) await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const service = await startService({ folder: bench.folder });
  try {
    const registered = await register(service, bench.sourceUrl('live.git'), bench.targetUrl('live.git'));
    await git(source, ['push', '--quiet', bench.targetUrl('pushed.git'), 'main']);
    let oid = '';
    const contenders: Contender[] = [
      {
        name: 'from the delivery of the event to the commit on the mirror',
        run: async () => {
          await untilIdle(registered);
          oid = await commit(source);
          return measureHere(async () => {
            await registered.event();
            await untilAt(target, oid);
          });
        },
      },
      {
        name: '`git push` of the same commit from the source’s disk',
        run: () => bench.meter.measure(`git -C ${source} push --quiet ${bench.targetUrl('pushed.git')} main`),
      },
    ];
    const summaries = await contest(contenders, { runs: Math.max(bench.runs, 15) });
    return {
      title: 'From a webhook to the mirror, local service, small repository',
      contenders: summaries,
      targets: [{ what: 'event to commit on the mirror, median', measured: summaries[0]?.wallMs ?? 0, bound: 1000, unit: 'ms' }],
    };
  } finally {
    await service.end();
    await removeAll(source, target, pushed);
  }
}

export async function benchWebhookLoad(bench: Workbench): Promise<Finding> {
  const [source, target] = [bench.sourcePath('load.git'), bench.targetPath('load.git')];
  await makeRepository(source, { commits: 300, branches: 10, tags: 5, files: 50, assetBytes: 0 });
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', target]);
  const [from, to] = [bench.sourceUrl('load.git'), bench.targetUrl('load.git')];
  try {
    const p99 = await embedded(join(bench.folder, 'load'), from, to);
    const cpuMs = await cpuPerEvent(join(bench.folder, 'cpu'), from, to);
    return {
      title: 'Webhooks, local service',
      contenders: [],
      targets: [
        {
          what: `answer at ${eventsPerSecond} events/s for ${loadSeconds} s, everything in one process, p99`,
          measured: p99,
          bound: 50,
          unit: 'ms',
        },
        { what: 'CPU per event with the emulators in another process, warm', measured: cpuMs, bound: 3, unit: 'ms' },
      ],
    };
  } finally {
    await removeAll(source, target);
  }
}

/** The 99th percentile of an open load: events come on time whether or not the last one was answered. */
async function embedded(folder: string, source: string, target: string): Promise<number> {
  const service = await startService({ folder });
  try {
    const registered = await register(service, source, target);
    await service.api('PUT', '/application/settings', { push_min_interval: 10 });
    await sequentially(registered, warmUpEvents);
    const startedAt = performance.now();
    const answers: Promise<number>[] = [];
    for (let index = 0; index < eventsPerSecond * loadSeconds; index++) {
      const due = startedAt + (index * 1000) / eventsPerSecond;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      answers.push(
        registered.event().then(async (answer) => {
          await answer.text();
          if (answer.status !== 202) throw new Error(`an event was answered with ${answer.status}`);
          return performance.now() - due;
        }),
      );
    }
    const times = (await Promise.all(answers)).sort((a, b) => a - b);
    return times[Math.floor(times.length * 0.99)] ?? Number.POSITIVE_INFINITY;
  } finally {
    await service.end();
  }
}

async function cpuPerEvent(folder: string, source: string, target: string): Promise<number> {
  const endpoints = await startAwsEndpoints();
  const service = await startService({
    folder,
    environment: {
      ...awsEnvironment(endpoints),
      GITFERRY_LOG_LEVEL: 'warn',
    },
  });
  try {
    const registered = await register(service, source, target);
    await service.api('PUT', '/application/settings', { push_min_interval: 10 });
    await sequentially(registered, warmUpEvents);
    const before = await cpuMsOf(service.process.pid ?? 0);
    await sequentially(registered, countedEvents);
    return ((await cpuMsOf(service.process.pid ?? 0)) - before) / countedEvents;
  } finally {
    await service.end();
    await endpoints.close();
  }
}

async function sequentially({ event }: Registered, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await (await event()).text();
}

/** User and system time of a process so far, proc_pid_stat(5). */
async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return ((user + system) * 1000) / ticksPerSecond;
}
