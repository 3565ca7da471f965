/** Incremental runs: a commit or 500 against a warm clone that fetches and pushes, each contender with a target of its own. */
import { join } from 'node:path';
import { git } from '../support/git.ts';
import { sync } from '../support/sync.ts';
import { type Contender, contest, type Summary } from './contest.ts';
import { addCommits, branchName, makeRepository } from './made-repository.ts';
import { type Cost, measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { assertSameRefs, copyRepository, removeAll, type Workbench } from './workbench.ts';

const branches = 500;
const warmUps = 10;

/** One commit on the main branch of a repository with 500 branches and 100 tags. */
export async function benchIncremental(bench: Workbench): Promise<Finding> {
  return raceWithWarmClone(bench, 'Incremental: one new commit, 600 refs', ['refs/heads/main']);
}

export async function benchIncrementalOnAll(bench: Workbench): Promise<Finding> {
  const others = Array.from({ length: branches - 1 }, (_, index) => branchName(index + 1));
  return raceWithWarmClone(bench, `Incremental: one new commit on each of ${branches} branches`, ['refs/heads/main', ...others]);
}

async function raceWithWarmClone(bench: Workbench, title: string, changed: readonly string[]): Promise<Finding> {
  const source = bench.sourcePath('incremental.git');
  await makeRepository(source, { commits: 3000, branches, tags: 100, files: 1000, assetBytes: 5_000_000 });
  const { contenders, clear } = await incrementalContenders(bench, 'incremental.git');
  const summaries = (await contest(contenders, {
    runs: bench.runs,
    beforeRound: (round) => addCommits(source, changed, `round ${round}`),
  })) as [Summary, Summary, Summary, Summary];
  await clear();
  await removeAll(source);
  const [command, service, warm] = summaries;
  return {
    title,
    contenders: summaries,
    targets: [
      { what: 'warm process: against fetch + push from a warm clone', measured: service.wallMs / warm.wallMs, bound: 0.5, unit: '×' },
      { what: 'command, with the start of Node: the same', measured: command.wallMs / warm.wallMs, bound: 0.5, unit: '×' },
    ],
  };
}

/** gitferry as a command and in a warm process, the warm clone, and the source's own push; all targets equal the source to begin with. */
export async function incrementalContenders(
  bench: Workbench,
  repository: string,
): Promise<{ readonly contenders: Contender[]; clear(): Promise<void> }> {
  const { meter } = bench;
  const source = bench.sourcePath(repository);
  const from = bench.sourceUrl(repository);
  const clone = join(bench.folder, 'warm.git');
  await git('/', ['clone', '--quiet', '--mirror', from, clone]);
  const fetch = meter.git(['-C', clone, 'fetch', '-q', '--prune']);
  const push = (path: string, to: string): string => meter.git(['-C', path, 'push', '-q', '--mirror', to]);
  const runs: readonly (readonly [name: string, run: (to: string) => Promise<Cost>])[] = [
    ['gitferry as a command', (to) => meter.measure(bench.sync(from, to))],
    ['gitferry in a warm process', (to) => measureHere(() => sync(from, to))],
    ['`git fetch --prune` + `git push --mirror` from a warm clone', (to) => meter.measure(`${fetch} && ${push(clone, to)}`)],
    ["`git push --mirror` from the source's disk", (to) => meter.measure(push(source, to))],
  ];
  const contenders: Contender[] = [];
  const targets: string[] = [];
  for (const [index, [name, run]] of runs.entries()) {
    const repositoryName = `target-${index}.git`;
    const target = bench.targetPath(repositoryName);
    await copyRepository(source, target);
    targets.push(target);
    contenders.push({ name, run: () => run(bench.targetUrl(repositoryName)), finish: () => assertSameRefs(source, target) });
  }
  // The process gets warm on runs without work.
  for (let index = 0; index < warmUps; index++) await sync(from, bench.targetUrl('target-1.git'));
  return { contenders, clear: () => removeAll(clone, ...targets) };
}
