/** The two Git servers of a benchmark, each a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface BenchServer {
  /** URL of a repository in the server's folder. */
  url(repository: string): string;
  close(): Promise<void>;
}

/** Starts `dist/bench-server.js`, which lies beside the bundled benchmark, for the repositories in `root`. `priority` (os.constants) is its and its children's. */
export async function startBenchServer(root: string, { priority = 0 } = {}): Promise<BenchServer> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('bench-server.js', import.meta.url)), root], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (priority !== 0) setPriority(child.pid ?? 0, priority);
  const ended = once(child, 'close');
  const [origin] = await once(child.stdout.setEncoding('utf8'), 'data');
  return {
    url: (repository) => `${String(origin).trim()}/${repository}`,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
