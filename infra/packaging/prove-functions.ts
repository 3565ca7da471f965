/** Unzips packages and loads them in the Node they are for. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import type { LambdaRuntime } from './lambda-runtime.ts';
import type { LambdaTarget } from './lambda-target.ts';
import { PackagingError } from './packaging-error.ts';
import { runProgram } from './run-program.ts';

export interface LoadedFunction {
  /** Milliseconds from the start of its import to its end. */
  readonly importMs: number;
  /** Node's own start is not counted. */
  readonly cpuMs: number;
}

/** As Lambda sets it: the loaded modules' stack traces name sources. */
const nodeOptions = '--enable-source-maps';
/** Enough for a function to start; nothing is contacted. */
const environment = {
  AWS_REGION: 'us-east-1',
  GITFERRY_TABLE: 'gitferry',
  GITFERRY_QUEUE_URL: 'https://queue.example.org/1/gitferry',
  GITFERRY_PUBLIC_URL: 'https://gitferry.example.org',
  NODE_OPTIONS: nodeOptions,
};

const script = `
const before = performance.now();
const cpuBefore = process.cpuUsage();
const { handler } = await import(process.argv[1]);
const { user, system } = process.cpuUsage(cpuBefore);
const importMs = performance.now() - before;
const { createRequire } = await import('node:module');
const require = createRequire(process.argv[1]);
let re2 = 'none';
try {
  re2 = require.resolve('re2');
} catch {}
if (re2 !== 'none') re2 = new (require('re2'))('^(a+)+$').test('a'.repeat(40)) ? 'works' : 'is broken';
const { modules, node } = process.versions;
process.stdout.write(JSON.stringify({ handler: typeof handler, abi: Number(modules), node, re2, importMs, cpuMs: (user + system) / 1000 }));
process.exit(0);
`;

/** Rejects with `does_not_load` where a function has no handler, re2 does no work, or this is not the Node that was meant. */
export async function proveFunctions(
  folder: string,
  names: readonly string[],
  runtime: LambdaRuntime,
  target: LambdaTarget,
): Promise<void> {
  await Promise.all(
    names.map((name) =>
      withUnzipped(join(folder, `${name}.zip`), async (place) => void (await loadFunction(name, place, runtime, target))),
    ),
  );
}

/** Of `times` cold starts, one after the other, the middle one. */
export async function measureImport(zip: string, times: number, runtime: LambdaRuntime, target: LambdaTarget): Promise<LoadedFunction> {
  return withUnzipped(zip, async (place) => {
    const loads: LoadedFunction[] = [];
    while (loads.length < times) loads.push(await loadFunction(zip, place, runtime, target));
    const middle = loads.sort((a, b) => a.importMs - b.importMs)[Math.floor(times / 2)];
    if (middle === undefined) throw new RangeError('at least one');
    return middle;
  });
}

async function loadFunction(name: string, place: string, { node }: LambdaRuntime, { nodeAbi }: LambdaTarget): Promise<LoadedFunction> {
  let said: string;
  try {
    said = await runProgram(node, ['--input-type=module', '-e', script, join(place, 'index.mjs')], { folder: place, environment });
  } catch (error) {
    throw new PackagingError('does_not_load', `${name} does not start: ${(error as Error).message}`, { cause: error });
  }
  const { handler, abi, re2, importMs, cpuMs } = JSON.parse(said);
  if (handler !== 'function' || abi !== nodeAbi || re2 === 'is broken') throw new PackagingError('does_not_load', `${name}: ${said}`);
  return { importMs, cpuMs };
}

async function withUnzipped<T>(zip: string, work: (place: string) => Promise<T>): Promise<T> {
  const place = await mkdtemp(join(tmpdir(), 'gitferry-package-'));
  try {
    await unzip(zip, place);
    return await work(place);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Packages are this build's own: names are not checked. */
export async function unzip(zip: string, folder: string): Promise<void> {
  for (const [name, content] of Object.entries(unzipSync(await readFile(zip)))) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}
