/** 50,000 refs on both ends, ten of them changed. */
import { git } from '../support/git.ts';
import { contest, type Summary } from './contest.ts';
import { incrementalContenders } from './incremental.ts';
import { addCommits, makeRepository, writePackedRefs } from './made-repository.ts';
import type { Finding } from './report.ts';
import { removeAll, type Workbench } from './workbench.ts';

const refCount = 50_000;
const changedRefs = 10;

export async function benchManyRefs(bench: Workbench): Promise<Finding> {
  const source = bench.sourcePath('many.git');
  await makeRepository(source, { commits: 5000, branches: 1, tags: 0, files: 500, assetBytes: 0 });
  const commits = (await git(source, ['rev-list', 'refs/heads/main'])).split('\n');
  const refs = new Map<string, string>();
  for (let index = 1; index < refCount; index++) {
    const name = index % 2 === 0 ? `refs/heads/team-${index % 50}/topic-${index}` : `refs/tags/build/${index}`;
    refs.set(name, commits[index % commits.length] as string);
  }
  await writePackedRefs(source, refs);
  const changed = [...refs.keys()].filter((name) => name.startsWith('refs/heads/')).slice(0, changedRefs);
  const { contenders, clear } = await incrementalContenders(bench, 'many.git');
  const summaries = (await contest(contenders, {
    runs: bench.runs,
    beforeRound: (round) => addCommits(source, changed, `round ${round}`),
  })) as [Summary, ...Summary[]];
  const [gitferry] = summaries;
  await clear();
  await removeAll(source);
  return {
    title: `${refCount.toLocaleString('en')} refs on both ends, ${changedRefs} changed`,
    contenders: summaries,
    targets: [
      { what: 'wall', measured: gitferry.wallMs, bound: 3000, unit: 'ms' },
      { what: 'peak memory', measured: (gitferry.peakBytes ?? Number.NaN) / 1e6, bound: 256, unit: 'MB' },
    ],
  };
}
