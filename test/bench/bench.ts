/** `npm run bench`: gitferry beside its peers in the same run, as Markdown for docs/performance.md. */
import { parseArgs } from 'node:util';
import { benchCommandStart } from './command-start.ts';
import { benchOverview } from './console.ts';
import { benchEvent, benchEventManyRefs } from './event.ts';
import { benchFirstMirror, benchLargePack } from './first-mirror.ts';
import { benchHistoryQuestions } from './history-questions.ts';
import { benchIncremental, benchIncrementalLine, benchIncrementalOnAll } from './incremental.ts';
import { benchLfs, benchLfsLarge, benchLfsNone } from './lfs.ts';
import { benchManyRefs } from './many-refs.ts';
import { benchNoOp } from './no-op.ts';
import { describeMachine, type Finding, isMet, renderFinding } from './report.ts';
import { benchPushToMirror, benchWebhookLoad } from './service.ts';
import { benchSshConnect, benchSshMirror } from './ssh-mirror.ts';
import { benchSshRounds } from './ssh-rounds.ts';
import { benchTick } from './tick.ts';
import { benchWireDecoding } from './wire-decoding.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const benchmarks: Readonly<Record<string, (bench: Workbench) => Promise<Finding>>> = {
  start: benchCommandStart,
  wire: benchWireDecoding,
  'no-op': benchNoOp,
  incremental: benchIncremental,
  'incremental-line': benchIncrementalLine,
  event: benchEvent,
  'event-many-refs': benchEventManyRefs,
  'incremental-all': benchIncrementalOnAll,
  'many-refs': benchManyRefs,
  history: benchHistoryQuestions,
  'first-mirror': benchFirstMirror,
  'ssh-connect': benchSshConnect,
  'ssh-rounds': benchSshRounds,
  'ssh-mirror': benchSshMirror,
  lfs: benchLfs,
  'lfs-none': benchLfsNone,
  push: benchPushToMirror,
  webhooks: benchWebhookLoad,
  overview: benchOverview,
  large: benchLargePack,
  'lfs-large': benchLfsLarge,
  tick: benchTick,
};

const onlyWhenLarge: ReadonlySet<string> = new Set(['large', 'lfs-large', 'tick']);

const usage = `usage: npm run bench -- [--only NAME]... [--runs N] [--large]

  --only NAME  one of: ${Object.keys(benchmarks).join(', ')} (repeatable)
  --runs N     rounds of each comparison (5; short commands take more, large packs at most 3)
  --large      also the pack of 1.2 GB and the LFS object of 2 GB, which need 5 GB of disk for a while, and the tick over 100,000 mirrors (minutes to fill the table)
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    runs: { type: 'string', default: '5' },
    large: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const names = options.only ?? Object.keys(benchmarks).filter((name) => options.large || !onlyWhenLarge.has(name));
const runs = Number(options.runs);
if (options.help || !Number.isInteger(runs) || runs < 1 || names.some((name) => benchmarks[name] === undefined)) {
  process.stderr.write(usage);
  process.exitCode = options.help ? 0 : 2;
} else {
  await main();
}

async function main(): Promise<void> {
  const bench = await openWorkbench(runs);
  let missed = 0;
  try {
    process.stdout.write(`${await describeMachine()}\n\n`);
    for (const name of names) {
      process.stderr.write(`${name} ...\n`);
      const finding = await benchmarks[name]?.(bench);
      if (finding === undefined) continue;
      process.stdout.write(`${renderFinding(finding)}\n`);
      missed += finding.targets.filter((target) => !isMet(target)).length;
    }
  } finally {
    await bench.close();
  }
  process.stdout.write(missed === 0 ? 'All targets are met.\n' : `${missed} targets are missed.\n`);
}
