/** Incremental runs: a commit or 500 against a warm clone that fetches and pushes, each contender with a target of its own. */
import { join } from 'node:path';
import { git } from '../support/git.ts';
import { type Contender, contest, type Summary } from './contest.ts';
import { addCommits, branchName, makeRepository } from './made-repository.ts';
import type { Finding } from './report.ts';
import { assertSameRefs, copyRepository, removeAll, type Workbench } from './workbench.ts';

const branches = 500;

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
  const [gitferry, warm, push] = (await contest(contenders, {
    runs: bench.runs,
    beforeRound: (round) => addCommits(source, changed, `round ${round}`),
  })) as [Summary, Summary, Summary];
  await clear();
  await removeAll(source);
  return {
    title,
    contenders: [gitferry, warm, push],
    targets: [{ what: 'wall: against fetch + push from a warm clone', measured: gitferry.wallMs / warm.wallMs, bound: 0.5, unit: '×' }],
  };
}

/** gitferry, the warm clone, and the source's own push; all targets equal the source to begin with. */
export async function incrementalContenders(
  bench: Workbench,
  repository: string,
): Promise<{ readonly contenders: Contender[]; clear(): Promise<void> }> {
  const { meter } = bench;
  const source = bench.sourcePath(repository);
  const from = bench.sourceUrl(repository);
  const clone = join(bench.folder, 'warm.git');
  await git('/', ['clone', '--quiet', '--mirror', from, clone]);
  const contender = async (name: string, target: string, command: (to: string) => string): Promise<Contender> => {
    await copyRepository(source, bench.targetPath(target));
    return {
      name,
      run: () => meter.measure(command(bench.targetUrl(target))),
      finish: () => assertSameRefs(source, bench.targetPath(target)),
    };
  };
  const fetchAndPush = (to: string): string =>
    `${meter.git(['-C', clone, 'fetch', '-q', '--prune'])} && ${meter.git(['-C', clone, 'push', '-q', '--mirror', to])}`;
  const contenders = [
    await contender('gitferry', 'by-gitferry.git', (to) => bench.sync(from, to)),
    await contender('`git fetch --prune` + `git push --mirror` from a warm clone', 'by-warm-clone.git', fetchAndPush),
    await contender("`git push --mirror` from the source's disk", 'by-source.git', (to) =>
      meter.git(['-C', source, 'push', '-q', '--mirror', to]),
    ),
  ];
  const targets = ['by-gitferry.git', 'by-warm-clone.git', 'by-source.git'].map((name) => bench.targetPath(name));
  return { contenders, clear: () => removeAll(clone, ...targets) };
}
