/** A Git server in a process of its own that prints its port when it serves, and ends when its standard input does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ChildServer {
  /** The URL of a repository in the server's folder. */
  url(repository: string): string;
  /** What it complained about on standard error so far. */
  complaints(): string;
  close(): Promise<void>;
}

/** Starts the program; rejects with its standard error if it ends without a port. If this process dies, the server's standard input ends, and so does the server. */
export async function startChildServer(command: string, args: readonly string[]): Promise<ChildServer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const port = await Promise.race([firstLine(child), once(child, 'close').then(() => undefined)]);
  if (port === undefined) throw new Error(`${command} did not start: ${complaints}`);
  return {
    url: (repository) => `http://127.0.0.1:${port}/${repository}`,
    complaints: () => complaints,
    async close() {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<number | undefined> {
  if (child.stdout === null) return undefined;
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return Number(line);
}
