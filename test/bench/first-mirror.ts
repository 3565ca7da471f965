/** First mirror into an empty repository: gitferry, clone and push, and the source pushing by itself. */
import { join } from 'node:path';
import { type Contender, contest, type Summary } from './contest.ts';
import { createBare, makeLargeRepository, makeRepository } from './made-repository.ts';
import type { Cost } from './measure.ts';
import type { Finding, Target } from './report.ts';
import { repositoryBytes } from './repository-size.ts';
import { assertSameRefs, removeAll, type Workbench } from './workbench.ts';

const MB = 1_000_000;

/** A repository of 68 MB with 600 refs and 136,000 objects. */
export async function benchFirstMirror(bench: Workbench): Promise<Finding> {
  const source = bench.sourcePath('main.git');
  await makeRepository(source, { commits: 12_000, branches: 500, tags: 100, files: 3000, assetBytes: 45 * MB });
  const [gitferry, clonePush, push] = await race(bench, 'main.git');
  const size = await repositoryBytes(source);
  await removeAll(source);
  return {
    title: `First mirror of ${Math.round(size / MB)} MB with 600 refs`,
    contenders: [gitferry, clonePush, push],
    targets: [
      ...targetsOf(gitferry, clonePush, push),
      { what: "CPU: the client's share of clone + push", measured: ratio(gitferry.cpuMs, clonePush.cpuMs), bound: 0.2, unit: '×' },
    ],
  };
}

/** Random blobs on one branch: memory must not grow with the repository. */
export async function benchLargePack(bench: Workbench): Promise<Finding> {
  const source = bench.sourcePath('large.git');
  await makeLargeRepository(source, 1200);
  const [gitferry, clonePush, push] = await race({ ...bench, runs: Math.min(bench.runs, 3) }, 'large.git');
  const size = await repositoryBytes(source);
  await removeAll(source);
  return {
    title: `First mirror of a pack of ${(size / 1e9).toFixed(1)} GB`,
    contenders: [gitferry, clonePush, push],
    targets: targetsOf(gitferry, clonePush, push),
  };
}

function targetsOf(gitferry: Summary, clonePush: Summary, push: Summary): Target[] {
  return [
    { what: "wall: against the source's own push", measured: gitferry.wallMs / push.wallMs, bound: 1.1, unit: '×' },
    { what: 'wall: against clone + push', measured: gitferry.wallMs / clonePush.wallMs, bound: 0.7, unit: '×' },
    { what: 'peak memory', measured: (gitferry.peakBytes ?? Number.NaN) / MB, bound: 128, unit: 'MB' },
  ];
}

function ratio(a: number | undefined, b: number | undefined): number {
  return (a ?? Number.NaN) / (b ?? Number.NaN);
}

async function race(bench: Workbench, repository: string): Promise<[Summary, Summary, Summary]> {
  const { meter } = bench;
  const source = bench.sourcePath(repository);
  const target = bench.targetPath(repository);
  const clone = join(bench.folder, 'clone.git');
  const [from, to] = [bench.sourceUrl(repository), bench.targetUrl(repository)];
  const contender = (name: string, command: string): Contender => ({
    name,
    prepare: () => createBare(target),
    run: (): Promise<Cost> => meter.measure(command),
    async finish() {
      await assertSameRefs(source, target);
      await removeAll(target, clone);
    },
  });
  const summaries = await contest(
    [
      contender('gitferry', bench.sync(from, to)),
      contender(
        '`git clone --mirror` + `git push --mirror`',
        `${meter.git(['clone', '-q', '--mirror', from, clone])} && ${meter.git(['-C', clone, 'push', '-q', '--mirror', to])}`,
      ),
      contender("`git push --mirror` from the source's disk", meter.git(['-C', source, 'push', '-q', '--mirror', to])),
    ],
    { runs: bench.runs },
  );
  return summaries as [Summary, Summary, Summary];
}
