/** How long the bundled command takes to start. */
import { contest, type Summary } from './contest.ts';
import type { Finding } from './report.ts';
import { gitferryCommand, type Workbench } from './workbench.ts';

export async function benchCommandStart({ meter, runs }: Workbench): Promise<Finding> {
  const summaries = (await contest(
    [
      { name: '`gitferry --help`', run: () => meter.measure(meter.node([gitferryCommand, '--help'])) },
      { name: "Node's own start (`node -e 0`)", run: () => meter.measure(meter.node(['-e', '0'])) },
    ],
    { runs: Math.max(runs, 15) },
  )) as [Summary, Summary];
  return {
    title: 'Start of the command',
    contenders: summaries,
    targets: [{ what: 'wall', measured: summaries[0].wallMs, bound: 120, unit: 'ms' }],
  };
}
