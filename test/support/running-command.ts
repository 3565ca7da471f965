/** The real command in a process that a test watches and ends, with a TMPDIR of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const command = fileURLToPath(new URL('../../dist/gitferry.js', import.meta.url));

export interface EndedCommand {
  /** null if a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What it left in its TMPDIR. */
  readonly filesLeft: readonly string[];
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<EndedCommand>;
}

/** Starts `gitferry args`, loopback not yet allowed. Needs `npm run build`, which `npm ci` has done. */
export async function startGitferry(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunningCommand> {
  if (!existsSync(command)) throw new Error('dist/gitferry.js is missing: npm run build');
  const folder = await mkdtemp(join(tmpdir(), 'command-tmpdir-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [command, ...args], {
    env: { PATH: process.env['PATH'], TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString('utf8');
  });
  const ended = new Promise<EndedCommand>((resolve, reject) => {
    child.on('close', (status) => {
      readdir(folder, { recursive: true }).then((filesLeft) => resolve({ status, ...output, filesLeft }), reject);
    });
  });
  return { child, ended };
}
