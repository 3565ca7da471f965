/** Runs a program of the build to its end. */
import { execFile } from 'node:child_process';

export interface ProgramOptions {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Resolves with its standard output; rejects with the last lines of what it said. The environment is this process's, with additions. */
export function runProgram(file: string, args: readonly string[], { folder, environment = {} }: ProgramOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, env: { ...process.env, ...environment }, maxBuffer: 1 << 26 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n');
      reject(new Error(`${file} ${args.join(' ')} failed:\n${said}`, { cause: error }));
    });
  });
}

/** node-gyp, npm and install-from-cache are JavaScript: run by the Node that runs this. */
export function runScript(script: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  return runProgram(process.execPath, [script, ...args], options);
}
