/** `npm run torture`: injects faults until something breaks, and says for each class how often, what was promised and what was seen. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { tortureParts } from './parts.ts';
import type { FaultClass } from './torture-part.ts';

const fullCases = 100_000;
const quickCases = 500;

const usage = `usage: npm run torture -- [--only NAME]... [--seed N] [--cases N] [--minutes N] [--quick] [--json]

  --only NAME  one of: ${tortureParts.map(({ name }) => name).join(', ')} (repeatable)
  --seed N     all chance comes from it; printed, so that a failure can be had again
  --cases N    cases for each codec and parser (${fullCases})
  --minutes N  how long each part with random faults goes on (5)
  --quick      little of everything, as npm test does
  --json       one JSON document on standard output instead of lines
`;

interface PartResult {
  readonly part: string;
  readonly seed: number;
  readonly seconds: number;
  readonly classes: readonly FaultClass[];
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    seed: { type: 'string' },
    cases: { type: 'string' },
    minutes: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const isQuick = options.quick;
const seed = Number(options.seed ?? Date.now() % 1_000_000_000);
const cases = Number(options.cases ?? (isQuick ? quickCases : fullCases));
const minutes = isQuick ? 0 : Number(options.minutes);
const chosen = tortureParts.filter(({ name }) => options.only === undefined || options.only.includes(name));
const unknown = (options.only ?? []).filter((name) => !tortureParts.some((part) => part.name === name));
const isUsable = [seed, cases].every((value) => Number.isInteger(value) && value >= 0) && minutes >= 0 && unknown.length === 0;
if (options.help || !isUsable) {
  process.stderr.write(usage);
  process.exitCode = options.help ? 0 : 2;
} else {
  await main();
}

async function main(): Promise<void> {
  say(`seed ${seed}; ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}\n`);
  const results: PartResult[] = [];
  for (const part of chosen) results.push(await runPart(part));
  const classes = results.flatMap((result) => result.classes);
  const injected = classes.reduce((sum, each) => sum + each.injected, 0);
  const breaches = classes.reduce((sum, each) => sum + each.breaches.length, 0);
  if (options.json) process.stdout.write(`${JSON.stringify({ seed, injected, breaches, parts: results }, null, 2)}\n`);
  say(`${injected} faults injected, ${breaches} promises broken (seed ${seed})\n`);
  process.exitCode = breaches === 0 ? 0 : 1;
}

async function runPart({ name, run }: (typeof tortureParts)[number]): Promise<PartResult> {
  say(`\n${name}\n`);
  const startedAt = performance.now();
  const classes: FaultClass[] = [];
  const report = (result: FaultClass): void => {
    classes.push(result);
    say(`  ${result.breaches.length === 0 ? 'ok    ' : 'BROKEN'} ${result.fault}: ${result.injected} times\n`);
    say(`         promised: ${result.promised}\n         seen: ${result.seen}\n`);
    for (const breach of result.breaches.slice(0, 20)) say(`         ! ${breach}\n`);
  };
  try {
    await run({ seed, cases, minutes, isQuick, report });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report({ fault: `${name} as a whole`, injected: 0, promised: 'it comes to its end', seen: 'it did not', breaches: [text] });
  }
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  say(`  ${Math.round(seconds)} s\n`);
  return { part: name, seed, seconds, classes };
}

/** With --json standard output is the document's. */
function say(text: string): void {
  (options.json ? process.stderr : process.stdout).write(text);
}
