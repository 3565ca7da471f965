/** A repository that is larger than its target takes in one push and than a run has time for: by the command, run after run, and killed at ten moments. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { makeLargeRepository } from '../bench/made-repository.ts';
import { PseudoRandom } from '../bench/pseudo-random.ts';
import { repositoryBytes } from '../bench/repository-size.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import type { TorturePart } from './torture-part.ts';

const command = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/gitferry.js' : 'gitferry.js', import.meta.url));
const MB = 1_000_000;
const mostMemory = 128 * MB;
const mostRuns = 60;
const promised =
  'the same refs in the end, fsck-clean, no ref under refs/gitferry, memory below 128 MB; pushed once, beside the push that is refused and a slice for each run';

interface Scene {
  readonly megabytes: number;
  /** What the target takes in one push. */
  readonly limitBytes: number;
  readonly secondsOfRun: number;
  /** A slice has so many at most. */
  readonly sliceBytes: number;
}

const full: Scene = { megabytes: 3000, limitBytes: 1024 ** 3, secondsOfRun: 60, sliceBytes: 256 * 1024 ** 2 };
/** Slices of up to 0.7 of the limit. */
const quick: Scene = { megabytes: 30, limitBytes: 10 * 1024 ** 2, secondsOfRun: 60, sliceBytes: 10 * 1024 ** 2 };

export const slices: TorturePart = {
  name: 'slices',
  async run({ seed, isQuick, report }) {
    const scene = isQuick ? quick : full;
    const { path: folder, remove } = await temporaryFolder();
    const [from, to] = [join(folder, 's'), join(folder, 't')];
    await mkdir(from);
    await mkdir(to);
    const source = join(from, 'repo.git');
    let onBytes = (_: number): void => undefined;
    const sourceServer = await startGitHttpServer({ root: from, config: ['uploadpack.allowFilter=true', 'pack.compression=0'] });
    const targetServer = await startGitHttpServer({
      root: to,
      onRequestBytes(service, chunk) {
        if (service === 'git-receive-pack') onBytes(chunk.length);
      },
    });
    try {
      await makeLargeRepository(source, scene.megabytes, scene.megabytes / 30);
      const size = await repositoryBytes(source);
      const random = new PseudoRandom(seed);
      for (const kills of [0, isQuick ? 3 : 10]) {
        const name = `mirror-${kills}.git`;
        const target = join(to, name);
        await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', target]);
        await git(target, ['config', 'receive.maxInputSize', String(scene.limitBytes)]);
        const startedAt = performance.now();
        let pushed = 0;
        const runs = await untilDone([sourceServer.url('repo.git'), targetServer.url(name)], scene, kills, (kill) => {
          // The first kill comes when a slice has arrived; all together do not leave time for the whole.
          const before = pushed === 0 ? scene.limitBytes + size / 20 : 0;
          let left = kill === undefined ? Number.POSITIVE_INFINITY : before + (random.next() * 0.9 * size) / kills;
          onBytes = (bytes) => {
            pushed += bytes;
            left -= bytes;
            if (left < 0) kill?.();
          };
        });
        const seconds = (performance.now() - startedAt) / 1000;
        await targetServer.idle();
        const peak = Math.max(...runs.map(({ peakBytes }) => peakBytes));
        const killed = runs.filter(({ status }) => status === null).length;
        // The push that was refused at first, each byte, and what was under way when a run was ended.
        const most = scene.limitBytes + size + (killed + runs.length) * scene.sliceBytes;
        const breaches = [
          ...(runs.at(-1)?.status === 0 ? [] : [`not done after ${runs.length} runs: ${runs.at(-1)?.output.slice(-2000)}`]),
          ...(JSON.stringify(await refsOf(target, ['refs/'])) === JSON.stringify(await refsOf(source, ['refs/'])) ? [] : ['other refs']),
          ...(killed < kills ? [`only ${killed} kills`] : []),
          ...(peak > mostMemory ? [`${Math.round(peak / MB)} MB of memory`] : []),
          ...(pushed > most ? [`${Math.round(pushed / MB)} MB were pushed, more than ${Math.round(most / MB)}`] : []),
          ...(await fsck(target)),
        ];
        report({
          fault: `${(size / 1e9).toFixed(2)} GB to a target that takes ${(scene.limitBytes / 1e9).toFixed(2)} GB a push, in runs of ${scene.secondsOfRun} s, killed ${killed} times`,
          injected: 1 + killed,
          promised,
          seen: `${runs.length} runs (${runs.map(({ seconds: each }) => Math.round(each)).join(', ')} s), ${Math.round(seconds)} s, pushed ${(pushed / size).toFixed(2)} × its size, ${Math.round(peak / MB)} MB of memory`,
          breaches,
        });
      }
    } finally {
      await sourceServer.close();
      await targetServer.close();
      await remove();
    }
  },
};

interface Run {
  /** null = killed. */
  readonly status: number | null;
  readonly output: string;
  readonly peakBytes: number;
  readonly seconds: number;
}

/** Runs the command until it has succeeded. `watch` is told of each run, with what kills it as long as there are kills left. */
async function untilDone(
  [source, target]: readonly [string, string],
  { secondsOfRun }: Scene,
  kills: number,
  watch: (kill: (() => void) | undefined) => void,
): Promise<readonly Run[]> {
  const runs: Run[] = [];
  const options = ['--allow-address', '127.0.0.0/8', '--timeout', String(secondsOfRun), '--json'];
  while (runs.length < mostRuns && runs.at(-1)?.status !== 0) {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [command, 'sync', source, target, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    const killed = runs.filter(({ status }) => status === null).length;
    watch(killed < kills ? () => void child.kill('SIGKILL') : undefined);
    let peakBytes = 0;
    const look = setInterval(async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      peakBytes = Math.max(peakBytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    }, 100);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    clearInterval(look);
    runs.push({ status, output: stdout + stderr, peakBytes, seconds: (performance.now() - startedAt) / 1000 });
  }
  return runs;
}

async function fsck(target: string): Promise<string[]> {
  const found = await git(target, ['fsck', '--strict', '--no-dangling']).catch((error: unknown) => String(error));
  return found === '' ? [] : [`fsck: ${found}`];
}
