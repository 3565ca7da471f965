/** Runs the real command, as built, in a process of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../dist/gitferry.js', import.meta.url));

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `gitferry args` with this environment beside PATH. Needs `npm run build`, which `npm ci` has done. */
export function gitferry(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  if (!existsSync(command)) throw new Error('dist/gitferry.js is missing: npm run build');
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [command, ...args],
      { env: { PATH: process.env['PATH'], ...env }, maxBuffer: 1 << 28 },
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
