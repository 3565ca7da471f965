/** Runs a command and says what it cost: time, CPU of its processes, peak memory. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gitEnvironment } from '../support/git.ts';

export interface Cost {
  readonly wallMs: number;
  /** User and system time of the command and everything it started and waited for; undefined where nothing counted it. */
  readonly cpuMs?: number;
  /** Of its largest process; undefined where nothing counted it. */
  readonly peakBytes?: number;
}

/** Builds shell commands and tells their cost. */
export interface Meter {
  /** `node` with these arguments. */
  node(args: readonly string[]): string;
  git(args: readonly string[]): string;
  /** Runs a shell command made of the above (joined by `&&`). Throws if it fails. */
  measure(command: string): Promise<Cost>;
}

const gnuTime = '/usr/bin/time';

/**
 * Time and CPU are those of bash's `time`, which counts the same for both sides: getrusage(2) of all processes that were waited for.
 * Peak memory of Node comes from its own getrusage(2) at exit, that of git from GNU time where that is installed.
 */
export async function createMeter(folder: string): Promise<Meter> {
  const peaks = join(folder, 'peak-kilobytes.txt');
  const atExit = join(folder, 'note-peak-memory.cjs');
  const note = `require('node:fs').appendFileSync(${JSON.stringify(peaks)}, process.resourceUsage().maxRSS + '\\n')`;
  await writeFile(atExit, `process.on('exit', () => ${note});\n`);
  const hasGnuTime = spawnSync(gnuTime, ['-f', '%M', 'true']).status === 0;
  const timed = hasGnuTime ? [gnuTime, '-q', '-f', '%M', '-a', '-o', peaks] : [];
  return {
    node: (args) => quoted([process.execPath, '--require', atExit, ...args]),
    // A clean-up in the background would run into the next measurement.
    git: (args) => quoted([...timed, 'git', '-c', 'maintenance.auto=false', ...args]),
    async measure(command) {
      await writeFile(peaks, '');
      const cost = await timeCommand(command);
      const peak = Math.max(...(await readFile(peaks, 'utf8')).split('\n').map(Number));
      return peak > 0 ? { ...cost, peakBytes: peak * 1024 } : cost;
    },
  };
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

async function timeCommand(command: string): Promise<Cost> {
  // Descriptor 3 gets what bash's `time` prints; the command keeps its own standard error.
  const script = `TIMEFORMAT='%3R %3U %3S'; { time { ${command}; } 2>&9; } 9>&2 2>&3`;
  const child = spawn('bash', ['-c', script], { env: gitEnvironment, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const outputs = Promise.all([text(child.stdio[2] as Readable), text(child.stdio[3] as Readable)]);
  const [status] = await once(child, 'close');
  const [said, seconds] = await outputs;
  if (status !== 0) throw new Error(`${command}\nended with ${status}: ${said}`);
  const [wall = 0, user = 0, system = 0] = seconds.trim().split(' ').map(Number);
  return { wallMs: wall * 1000, cpuMs: (user + system) * 1000 };
}

/** The cost of work done in this process: time, and CPU of all that this process did meanwhile. */
export async function measureHere(work: () => Promise<unknown>): Promise<Cost> {
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
}
