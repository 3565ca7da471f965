/** 10,000 runs in one worker process: what it holds may not grow. And 50 large relays at once. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import { startBenchServer } from '../bench/servers.ts';
import { git } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import type { FunctionProcess, Measured } from './function-process.ts';
import { unsound } from './judge-target.ts';
import { startRememberingGitServer } from './remembering-git-server.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';

const runs = 10_000;
const warmUpRuns = 2_000;
const mirrorCount = 20;
/** Every so often a run has something to move. */
const movingEvery = 50;
const mostGrowth = 0.1;
const relays = 50;
const relayBytes = 50_000_000;
const mostRelayBytes = 512 * 1024 * 1024;

export const soak: TorturePart = {
  name: 'soak',
  async run({ isQuick, report }) {
    if (isQuick) return;
    const world = await TortureWorld.open();
    const root = join(world.folder, 'soak');
    await mkdir(root);
    const still = await startRememberingGitServer(root);
    const moving = await startGitHttpServer({ root: join(world.folder, 'moving') });
    try {
      await world.records.settings.update({ pushMinIntervalSeconds: 0, maxRunsPerHost: 50 });
      const seed = await repositoryWith(root, 'source.git', 1_000);
      const keys: MirrorKey[] = [];
      for (let n = 0; n < mirrorCount; n++) {
        await git('/', ['clone', '--quiet', '--bare', seed, join(root, `${n}.git`)]);
        keys.push(await newMirror(world, still.url('source.git'), still.url(`${n}.git`)));
      }
      await mkdir(join(world.folder, 'moving'));
      const source = await repositoryWith(join(world.folder, 'moving'), 'source.git', 20_000);
      await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(world.folder, 'moving', 'target.git')]);
      const mover = await newMirror(world, moving.url('source.git'), moving.url('target.git'));
      const worker = await world.start('worker', { nodeOptions: ['--expose-gc'] });
      const before = (await readdir(world.folder)).length;
      const oneRound = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done += mirrorCount) {
          await Promise.all(keys.map((key) => runOnce(world, worker, key)));
          if (done % movingEvery < mirrorCount) {
            await git(source, ['update-ref', `refs/heads/b${Math.random()}`, 'main']);
            await runOnce(world, worker, mover);
          }
        }
      };
      await oneRound(warmUpRuns);
      const warm = await worker.measure();
      const course: number[] = [];
      for (let done = 0; done < runs; done += runs / 10) {
        await oneRound(runs / 10);
        course.push(mb((await worker.measure()).rss));
      }
      const end = await worker.measure();
      const after = (await readdir(world.folder)).length;
      const growth = end.rss / warm.rss - 1;
      const failed = (await world.mirrors([...keys, mover])).filter(({ updateStatus }) => updateStatus !== 'finished').length;
      report({
        fault: 'runs in one process',
        injected: runs,
        promised: `RSS grows by at most ${mostGrowth * 100} % after the warm-up; no more sockets, timers, temporary files`,
        seen: `RSS ${mb(warm.rss)} → ${mb(end.rss)} MB (${(growth * 100).toFixed(1)} %; every ${runs / 10}: ${course.join(' ')}), buffers ${mb(warm.external)} → ${mb(end.external)} MB, heap ${mb(warm.heapUsed)} → ${mb(end.heapUsed)} MB; kept alive ${resources(warm)} → ${resources(end)}; temporary entries ${before} → ${after}`,
        breaches: [
          ...(growth > mostGrowth ? [`RSS grew by ${(growth * 100).toFixed(1)} %`] : []),
          ...(end.resources.length > warm.resources.length + 10 ? [`${resources(warm)} became ${resources(end)}`] : []),
          ...(after > before ? [`${after - before} temporary entries are left`] : []),
          ...(failed > 0 ? [`${failed} mirrors are not finished`] : []),
        ],
      });
    } finally {
      await still.close();
      await moving.close();
      await world.close();
    }
  },
};

export const parallelRelays: TorturePart = {
  name: 'parallel-relays',
  async run({ isQuick, report }) {
    if (isQuick) return;
    const world = await TortureWorld.open();
    const root = join(world.folder, 'large');
    await mkdir(root);
    // In a process of its own: this one has the table, which 5 GB in passing would hold up. Elsewhere 100 Git processes are on other machines:
    // here they get the time that is left (without it the worker was seen without any for 10 s, with 1 % of a core in use).
    const server = await startBenchServer(root, { priority: constants.priority.PRIORITY_LOW });
    try {
      await world.records.settings.update({ maxRunsPerHost: 50 });
      await repositoryWith(root, 'source.git', relayBytes);
      const keys: MirrorKey[] = [];
      for (let n = 0; n < relays; n++) {
        await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(root, `${n}.git`)]);
        keys.push(await newMirror(world, server.url('source.git'), server.url(`${n}.git`)));
      }
      const worker = await world.start('worker');
      const startedAt = performance.now();
      await Promise.all(keys.map((key) => runOnce(world, worker, key)));
      const seconds = (performance.now() - startedAt) / 1000;
      const { peakRss } = await worker.measure();
      const mirrors = await world.mirrors(keys);
      const done = mirrors.filter(({ lastRun }) => lastRun?.outcome === 'success').length;
      const why = [...new Set(mirrors.map(({ updateStatus, lastError }) => `${updateStatus} ${lastError?.code ?? ''}`))].join(', ');
      const broken = await unsound(join(root, '0.git'));
      report({
        fault: `${relays} relays of ${relayBytes / 1e6} MB at once in one process`,
        injected: relays,
        promised: `at most ${mb(mostRelayBytes)} MB`,
        seen: `${done} of ${relays} succeeded; peak ${mb(peakRss)} MB, ended after ${seconds.toFixed(0)} s (${((relays * relayBytes) / 1e6 / seconds).toFixed(0)} MB/s)`,
        breaches: [
          ...(peakRss > mostRelayBytes ? [`peak ${mb(peakRss)} MB`] : []),
          ...(done < relays ? [`${relays - done} did not succeed: ${why}; the worker says ${eventsOf(worker.output())}`] : []),
          ...broken,
        ],
      });
    } finally {
      await server.close();
      await world.close();
    }
  },
};

async function newMirror(world: TortureWorld, from: string, to: string): Promise<MirrorKey> {
  const project = await world.records.projects.create(sampleProject({ repositoryUrl: from }), world.now());
  if (project === undefined) throw new Error('no project');
  const at = { now: world.now(), dueAt: world.now() + 24 * 3600_000 };
  const mirror = await world.records.mirrors.create(project.id, 'push', sampleMirror({ url: to, lfs: 'off' }), at);
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  return { projectId: project.id, mirror: mirror.mirror };
}

async function runOnce(world: TortureWorld, worker: FunctionProcess, key: MirrorKey): Promise<void> {
  const trigger = { kind: 'manual', who: 'torture' } as const;
  await world.jobs.request(key, { trigger, now: world.now(), startAt: world.now(), confirmDeletions: false, resume: true });
  await world.deliver(worker, JSON.stringify({ project: key.projectId, mirror: key.mirror }));
}

/** One commit with a file of random bytes. */
async function repositoryWith(root: string, name: string, bytes: number): Promise<string> {
  const path = join(root, name);
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const head = `commit refs/heads/main\ncommitter T <t@e> 1700000000 +0000\ndata 1\nx\nM 100644 inline f\ndata ${bytes}\n`;
  await git(path, ['fast-import', '--quiet'], { input: Buffer.concat([Buffer.from(head), randomBytes(bytes), Buffer.from('\n')]) });
  return path;
}

/** Events of a log, and how often. */
function eventsOf(output: string): string {
  const counts: Record<string, number> = {};
  for (const [, event = ''] of output.matchAll(/"event":"(\w+)"/g)) counts[event] = (counts[event] ?? 0) + 1;
  return JSON.stringify(counts);
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function resources({ resources: all }: Measured): string {
  const counts: Record<string, number> = {};
  for (const name of all) counts[name] = (counts[name] ?? 0) + 1;
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
