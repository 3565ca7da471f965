/** Incremental runs: a commit or 500 against a warm clone that fetches and pushes, each contender with a target of its own. */
import { join } from 'node:path';
import { git } from '../support/git.ts';
import { startWarmWorker } from '../support/warm-worker.ts';
import { type Contender, contest, type Summary } from './contest.ts';
import { makeWithRefs } from './event.ts';
import { addCommits, branchName, makeRepository } from './made-repository.ts';
import { type Cost, measureHere } from './measure.ts';
import type { Finding, Target } from './report.ts';
import { countRounds, openLine } from './rounds.ts';
import { assertSameRefs, copyRepository, removeAll, type Workbench } from './workbench.ts';

const main = 'refs/heads/main';
const branches = 500;
const warmUps = 10;

/** One commit on the main branch of a repository with 500 branches and 100 tags. */
export async function benchIncremental(bench: Workbench): Promise<Finding> {
  return raceWithWarmClone(bench, 'Incremental: one new commit, 600 refs', { changed: [main], bound: 0.7 });
}

/** What one commit costs on the line, in an ordinary run. */
export async function benchIncrementalLine(bench: Workbench): Promise<Finding> {
  const targets: Target[] = [];
  for (const refCount of [300, 50_000]) {
    const source = await makeWithRefs(bench, 'line.git', refCount);
    const target = bench.targetPath('line.git');
    await copyRepository(source, target);
    let label = 0;
    const { warm, last, firstConnections } = await countRounds(
      (delayMs) =>
        openLine(
          { source: bench.sourcePort, target: bench.targetPort },
          (_side, port) => ({ url: `http://127.0.0.1:${port}/line.git` }),
          delayMs,
        ),
      { change: () => addCommits(source, [main], `line ${label++}`), runs: bench.runs, idleMs: refCount === 300 ? 60_000 : 0 },
    );
    await removeAll(source, target);
    const what = `${refCount.toLocaleString('en')} refs: `;
    targets.push(
      { what: `${what}requests (source 3, target 2)`, measured: last.way.requests, bound: 5, unit: 'requests' },
      { what: `${what}bytes up beside the pack`, measured: last.bytesUp / 1024, bound: 16, unit: 'KB' },
      { what: `${what}connections an end, nothing kept`, measured: Math.max(...firstConnections), bound: 1, unit: 'connections' },
    );
    if (refCount > 300) continue;
    targets.push(
      { what: `${what}round trips, connections kept`, measured: warm, bound: 4, unit: 'round trips' },
      { what: `${what}new connections after 60 s`, measured: Math.max(...last.connections), bound: 0, unit: 'connections' },
    );
  }
  return { title: 'Incremental: one new commit, an ordinary run on the line', contenders: [], targets };
}

export async function benchIncrementalOnAll(bench: Workbench): Promise<Finding> {
  const others = Array.from({ length: branches - 1 }, (_, index) => branchName(index + 1));
  return raceWithWarmClone(bench, `Incremental: one new commit on each of ${branches} branches`, {
    changed: [main, ...others],
    bound: 0.5,
  });
}

async function raceWithWarmClone(
  bench: Workbench,
  title: string,
  { changed, bound }: { readonly changed: readonly string[]; readonly bound: number },
): Promise<Finding> {
  const source = bench.sourcePath('incremental.git');
  await makeRepository(source, { commits: 3000, branches, tags: 100, files: 1000, assetBytes: 5_000_000 });
  const { contenders, clear } = await incrementalContenders(bench, 'incremental.git');
  const summaries = (await contest(contenders, {
    runs: bench.runs,
    beforeRound: (round) => addCommits(source, changed, `round ${round}`),
  })) as [Summary, Summary, Summary, Summary];
  await clear();
  await removeAll(source);
  const [, service, warm] = summaries;
  return {
    title,
    contenders: summaries,
    targets: [{ what: 'warm process: against fetch + push from a warm clone', measured: service.wallMs / warm.wallMs, bound, unit: '×' }],
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
  const worker = startWarmWorker();
  const runs: readonly (readonly [name: string, run: (to: string) => Promise<Cost>])[] = [
    ['gitferry as a command', (to) => meter.measure(bench.sync(from, to))],
    ['gitferry in a warm process', (to) => measureHere(() => worker.run({ url: from }, { url: to }))],
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
  for (let index = 0; index < warmUps; index++) await worker.run({ url: from }, { url: bench.targetUrl('target-1.git') });
  const clear = async (): Promise<void> => {
    await worker.close();
    await removeAll(clone, ...targets);
  };
  return { contenders, clear };
}
