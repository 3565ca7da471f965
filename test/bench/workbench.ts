/** What every benchmark works with: a folder, a server for each end, the meter, the bundled command. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { createMeter, type Meter } from './measure.ts';
import { type BenchServer, startBenchServer } from './servers.ts';

export interface Workbench {
  readonly folder: string;
  readonly meter: Meter;
  readonly runs: number;
  /** Where the repositories of an end lie. */
  sourcePath(repository: string): string;
  targetPath(repository: string): string;
  sourceUrl(repository: string): string;
  targetUrl(repository: string): string;
  readonly sourcePort: number;
  readonly targetPort: number;
  /** Shell command: `gitferry sync SOURCE TARGET ...options`. */
  sync(source: string, target: string, options?: readonly string[]): string;
  close(): Promise<void>;
}

/** The bundled command that is measured, not its sources. */
export const gitferryCommand = fileURLToPath(new URL('gitferry.js', import.meta.url));

export async function openWorkbench(runs: number): Promise<Workbench> {
  const { path: folder, remove } = await temporaryFolder();
  const roots = { source: join(folder, 'source'), target: join(folder, 'target') };
  for (const root of Object.values(roots)) await mkdir(root);
  const meter = await createMeter(folder);
  const servers: { readonly source: BenchServer; readonly target: BenchServer } = {
    source: await startBenchServer(roots.source),
    target: await startBenchServer(roots.target),
  };
  return {
    folder,
    meter,
    runs,
    sourcePath: (repository) => join(roots.source, repository),
    targetPath: (repository) => join(roots.target, repository),
    sourceUrl: (repository) => servers.source.url(repository),
    targetUrl: (repository) => servers.target.url(repository),
    sourcePort: Number(new URL(servers.source.url('')).port),
    targetPort: Number(new URL(servers.target.url('')).port),
    sync: (source, target, options = []) =>
      meter.node([gitferryCommand, 'sync', source, target, '--allow-address', '127.0.0.0/8', ...options]),
    async close() {
      await servers.source.close();
      await servers.target.close();
      await remove();
    },
  };
}

/** Throws unless both hold the same branches and tags: a benchmark of work not done measures nothing. */
export async function assertSameRefs(source: string, target: string): Promise<void> {
  const [wanted, found] = [await refsOf(source), await refsOf(target)];
  const names = Object.keys(wanted);
  if (names.length !== Object.keys(found).length || names.some((name) => wanted[name] !== found[name])) {
    throw new Error(`${target} does not hold the refs of ${source}`);
  }
}

export async function removeAll(...paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** A copy that shares no files, as another host would have it. */
export async function copyRepository(from: string, to: string): Promise<void> {
  await git('/', ['clone', '--quiet', '--mirror', '--no-hardlinks', from, to]);
  await git(to, ['remote', 'remove', 'origin']);
}
