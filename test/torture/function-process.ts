/** One function of the service, as bundled, in a process that the harness gives events to, freezes, thaws and kills. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

/** Beside the bundled harness, or from the tests' own folder. */
const dist = new URL(import.meta.url.includes('/dist/') ? '.' : '../../dist/', import.meta.url).pathname;

export type FunctionName = 'webhook' | 'worker' | 'schedule' | 'update-now';

export interface FunctionOptions {
  readonly name: FunctionName;
  readonly environment: Readonly<Record<string, string>>;
  /** How far its clock is from the machine's. */
  readonly offsetMs: number;
  readonly nodeOptions?: readonly string[];
}

/** The process was killed before it could answer. */
const killed = Symbol('killed');

export interface Measured {
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers. */
  readonly external: number;
  readonly peakRss: number;
  /** Names of what keeps it alive: sockets, timers. */
  readonly resources: readonly string[];
}

export interface FunctionProcess {
  readonly pid: number;
  readonly isAlive: boolean;
  /** Resolves with the answer, or `killed`; rejects with the handler's error. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at, not relied on
  invoke(event: unknown): Promise<any>;
  setClock(offsetMs: number): void;
  freeze(): void;
  thaw(): void;
  /** At once; resolves when it is gone. */
  kill(): Promise<void>;
  measure(): Promise<Measured>;
  /** All that it wrote. */
  output(): string;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Resolves when its bundle is imported. Rejects with its output if it ends before. */
export async function startFunction({ name, environment, offsetMs, nodeOptions = [] }: FunctionOptions): Promise<FunctionProcess> {
  const [runner, bundle] = [`${dist}torture-runner.js`, `${dist}functions/${name}/index.js`];
  for (const file of [runner, bundle]) if (!existsSync(file)) throw new Error(`${file} is missing: npm run build`);
  const child = fork(runner, [bundle, String(offsetMs)], {
    env: environment,
    execArgv: [...nodeOptions],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const waiting = new Map<number, Waiting>();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void gone.then(() => {
    for (const { resolve } of waiting.values()) resolve(killed);
    waiting.clear();
  });
  await Promise.race([
    once(child, 'message'),
    gone.then(() => Promise.reject(new Error(`the function ${name} ended by itself: ${output}`))),
  ]);
  child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: { code?: string; message: string } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(Object.assign(new Error(error.message), { code: error.code }));
  });
  return new Running(child, gone, waiting, () => output);
}

let lastId = 0;

class Running implements FunctionProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #waiting: Map<number, Waiting>;
  readonly output: () => string;

  constructor(child: ChildProcess, gone: Promise<void>, waiting: Map<number, Waiting>, output: () => string) {
    this.#child = child;
    this.#gone = gone;
    this.#waiting = waiting;
    this.output = output;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at, not relied on
  invoke(event: unknown): Promise<any> {
    return this.#ask({ event });
  }

  measure(): Promise<Measured> {
    return this.#ask({ measure: true }) as Promise<Measured>;
  }

  setClock(offsetMs: number): void {
    if (this.isAlive) this.#child.send({ offsetMs }, () => {});
  }

  freeze(): void {
    if (this.isAlive) this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    if (this.isAlive) this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.isAlive) this.#child.kill('SIGKILL');
    await this.#gone;
  }

  #ask(message: object): Promise<unknown> {
    if (!this.isAlive) return Promise.resolve(killed);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // One that was killed in this very moment: its end resolves this.
      this.#child.send({ id, ...message }, () => {});
    });
  }
}
