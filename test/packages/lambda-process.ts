/** An unzipped package at work: the Node it is for, in a process of its own, that gets events as Lambda hands them over. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

const runner = new URL('lambda-runner.mjs', import.meta.url).pathname;

export interface LambdaProcess {
  /** Of the process: `22.x.y`. */
  readonly node: string;
  /** One at a time. Resolves with what the handler does; rejects with its error's code and message. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, not relied on
  invoke(event: unknown): Promise<any>;
  /** All it wrote: the function's log. */
  log(): string;
  end(): Promise<void>;
  /** The most memory that it had resident so far. Linux only. */
  peakBytes(): Promise<number>;
}

export interface LambdaProcessInput {
  /** The deployed Node. */
  readonly node: string;
  /** Of the unzipped package. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
}

/** Resolves when the package is imported. */
export async function startLambda({ node, folder, environment, timeoutSeconds, memoryMb }: LambdaProcessInput): Promise<LambdaProcess> {
  const child = fork(runner, [`${folder}/index.mjs`], {
    execPath: node,
    // As Lambda leaves it to Node, about nine tenths.
    execArgv: [`--max-old-space-size=${Math.floor(memoryMb * 0.9)}`],
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  const ended = once(child, 'exit');
  const answer = () => nextMessage(child, ended, () => log);
  const { node: version } = await answer();
  return {
    node: version,
    log: () => log,
    async invoke(event) {
      const next = answer();
      child.send({ event, timeoutMs: timeoutSeconds * 1000 });
      const { result, error } = await next;
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    async peakBytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    },
    async end() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the runner's own messages
async function nextMessage(child: ChildProcess, ended: Promise<unknown>, log: () => string): Promise<any> {
  const [message] = await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error(`the function ended by itself: ${log()}`))),
  ]);
  return message;
}
