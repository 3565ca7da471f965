/** The two Git servers of a benchmark, each a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface BenchServer {
  /** URL of a repository in the server's folder. */
  url(repository: string): string;
  close(): Promise<void>;
}

/** Starts `dist/bench-server.js`, which lies beside the bundled benchmark, for the repositories in `root`. */
export async function startBenchServer(root: string): Promise<BenchServer> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('bench-server.js', import.meta.url)), root], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
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
