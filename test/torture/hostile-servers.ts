/** Hostile Git servers: one process for each, its time and its highest memory measured, its error's code compared with those that are right. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, temporaryFolder } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { type HostileCase, hostileCases } from './hostile-cases.ts';
import { startHostileServer } from './hostile-server.ts';
import type { TorturePart } from './torture-part.ts';

/** Beside the bundled harness, or from the tests' own folder. */
const command = new URL(import.meta.url.includes('/dist/') ? 'gitferry.js' : '../../dist/gitferry.js', import.meta.url).pathname;

const usualMs = 20_000;
const usualMiB = 220;
const usualTimeoutSeconds = 40;
/** The machine may be busy with other tests: then time says little. */
const busyFactor = 4;
const atOnce = 2;
const promised = 'ends by itself with the right code, in bounded time and memory; nothing of the target changes unless it was right';

export const hostileServers: TorturePart = {
  name: 'hostile-servers',
  async run({ isQuick, report }) {
    const folder = await temporaryFolder();
    const root = join(folder.path, 'targets');
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(root, 'plain.git')]);
    const good = await startGitHttpServer({ root });
    try {
      const waiting = hostileCases.filter((each) => !isQuick || each.isQuick === true);
      const worker = async (): Promise<void> => {
        for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
          const breaches: string[] = [];
          const seen = await runCase(each, { root, good: (name) => good.url(name), breaches, number: hostileCases.indexOf(each) });
          report({ fault: `${each.side}: ${each.name}`, injected: 1, promised, seen, breaches });
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
    } finally {
      await good.close();
      await folder.remove();
    }
  },
};

interface Bench {
  readonly root: string;
  good(name: string): string;
  readonly breaches: string[];
  readonly number: number;
}

async function runCase(hostileCase: HostileCase, { root, good, breaches, number }: Bench): Promise<string> {
  const { side, answers, codes, options = [], timeoutSeconds = usualTimeoutSeconds, mostMs = usualMs, mostMiB = usualMiB } = hostileCase;
  const name = `case-${number}.git`;
  const path = join(root, name);
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const mayMove = side === 'source' && (codes.includes(null) || hostileCase.mayMove === true);
  if (side === 'target' || hostileCase.asksHistory === true) await commit(path);
  const before = await git(path, ['for-each-ref']);
  const server = await startHostileServer(answers);
  const hostile = `${server.origin}/x.git`;
  const [source, target] = side === 'source' ? [hostile, good(name)] : [good(name), hostile];
  const result = await measured(
    ['sync', source, target, '--json', '--allow-address', '127.0.0.0/8', '--timeout', String(timeoutSeconds), ...options],
    mostMs * busyFactor,
  );
  await server.close();

  const code = codeOf(result.stdout);
  if (result.isKilled) breaches.push(`it had not ended after ${mostMs * busyFactor} ms`);
  else if (code === undefined)
    breaches.push(`it ended with status ${result.status} and without an outcome: ${result.stderr.slice(0, 300)}`);
  else if (!codes.includes(code)) breaches.push(`it ended with ${code}: ${result.stdout.slice(0, 400)}`);
  if (result.peakMiB > mostMiB) breaches.push(`it took ${result.peakMiB} MiB (promised: ${mostMiB})`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not come through is looked for
  if (/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(result.stdout + result.stderr)) breaches.push('control characters came through');
  if (/\n\s+at .*:\d+/.test(result.stderr)) breaches.push(`a stack was printed: ${result.stderr.slice(0, 300)}`);
  const damage = await git(path, ['fsck', '--strict', '--no-dangling']).catch(String);
  if (damage !== '') breaches.push(`the repository is damaged: ${damage}`);
  if (!mayMove && (await git(path, ['for-each-ref'])) !== before) breaches.push('refs moved');
  return `${code}, ${result.ms} ms, ${result.peakMiB} MiB`;
}

async function commit(path: string): Promise<void> {
  const tree = await git(path, ['mktree'], { input: '' });
  await git(path, ['update-ref', 'refs/heads/main', await git(path, ['commit-tree', tree, '-m', 'ours'])]);
}

/** undefined = there is no outcome to read. */
function codeOf(stdout: string): string | null | undefined {
  try {
    const { error } = JSON.parse(stdout) as { error: { code: string } | null };
    return error === null ? null : error.code;
  } catch {
    return undefined;
  }
}

interface Measured {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  readonly peakMiB: number;
  readonly isKilled: boolean;
}

async function measured(args: readonly string[], mostMs: number): Promise<Measured> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [command, ...args], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, peakMiB, isKilled] = ['', '', 0, false];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const watch = setInterval(
    () =>
      void peakOf(child.pid).then((peak) => {
        peakMiB = Math.max(peakMiB, peak);
      }),
    20,
  );
  const guard = setTimeout(() => {
    isKilled = child.kill('SIGKILL');
  }, mostMs);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(watch);
  clearTimeout(guard);
  return { status, stdout, stderr, ms: Math.round(performance.now() - startedAt), peakMiB, isKilled };
}

/** The highest so far, of resident memory; proc(5). 0 where there is no such file. */
async function peakOf(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024);
}
