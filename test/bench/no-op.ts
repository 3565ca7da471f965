/** Nothing to do: as a command and within a process that is warm already, against `git ls-remote` on both ends. */
import { sync } from '../support/sync.ts';
import { type Contender, contest, type Summary } from './contest.ts';
import { makeRepository } from './made-repository.ts';
import { measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { copyRepository, removeAll, type Workbench } from './workbench.ts';

const warmUps = 30;
const nodeAllowanceMs = 100;

export async function benchNoOp(bench: Workbench): Promise<Finding> {
  const { meter } = bench;
  const [source, target] = [bench.sourcePath('same.git'), bench.targetPath('same.git')];
  const [from, to] = [bench.sourceUrl('same.git'), bench.targetUrl('same.git')];
  await makeRepository(source, { commits: 1000, branches: 400, tags: 100, files: 300, assetBytes: 0 });
  await copyRepository(source, target);
  const syncHere = async (): Promise<void> => {
    const { outcome, refs } = await sync(from, to);
    if (outcome !== 'success' || refs.length > 0) throw new Error('the no-op did something');
  };
  for (let index = 0; index < warmUps; index++) await syncHere();
  const contenders: Contender[] = [
    { name: 'gitferry as a command', run: () => meter.measure(bench.sync(from, to)) },
    { name: 'gitferry in a warm process', run: () => measureHere(syncHere) },
    { name: '`git ls-remote` of the source', run: () => meter.measure(`git ls-remote -q ${from}`) },
    { name: '`git ls-remote` of the target', run: () => meter.measure(`git ls-remote -q ${to}`) },
    { name: "Node's own start (`node -e 0`)", run: () => meter.measure(meter.node(['-e', '0'])) },
  ];
  const summaries = (await contest(contenders, { runs: Math.max(bench.runs, 15) })) as [Summary, Summary, Summary, Summary, Summary];
  await removeAll(source, target);
  const [command, warm, sourceList, targetList, start] = summaries;
  const slower = Math.max(sourceList.wallMs, targetList.wallMs);
  return {
    title: 'Nothing to do, 500 refs',
    contenders: summaries,
    targets: [
      {
        what: "command: slower ls-remote + Node's start + 100 ms",
        measured: command.wallMs,
        bound: slower + start.wallMs + nodeAllowanceMs,
        unit: 'ms',
      },
      { what: 'warm process: against the slower ls-remote', measured: warm.wallMs / slower, bound: 1.5, unit: '×' },
    ],
  };
}
