/** LFS: many objects beside one streaming copy and beside git-lfs, one large object, and what `auto` costs a repository that has none. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { git } from '../support/git.ts';
import { sync } from '../support/sync.ts';
import { type Contender, contest, type Summary } from './contest.ts';
import { lfsObjects, makeLfsObjects } from './lfs-objects.ts';
import { createBare, makeRepository } from './made-repository.ts';
import { type Cost, measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { assertSameRefs, removeAll, type Workbench } from './workbench.ts';

const MB = 1_000_000;
const objects = 200;
const warmUps = 2;
const silenceMs = 60_000;

/**
 * 200 objects of 1 MB, refs included; git-lfs works in a clone whose refs are there, the streaming copy moves one object of the same size in all.
 * Copies of each object show what the servers and the HTTP client take for 200 requests, whoever makes them.
 */
export async function benchLfs(bench: Workbench): Promise<Finding> {
  const { meter } = bench;
  const ends = await lfsEnds(bench, { objects, bytes: MB });
  const whole = await makeWhole(bench);
  const clone = join(bench.folder, 'lfs-clone.git');
  await git('/', ['clone', '--quiet', '--mirror', ends.from, clone]);
  const lfs = (...words: string[]): string => meter.git(['-C', clone, '-c', 'lfs.locksverify=false', 'lfs', ...words]);
  const peer: Contender = {
    ...ends.turn,
    name: '`git lfs fetch --all` + `git lfs push --all`',
    run: () => meter.measure(`${lfs('fetch', '--all', ends.from)} && ${lfs('push', '--all', ends.to)}`),
    async finish() {
      await ends.assertObjects(objects);
      await removeAll(join(clone, 'lfs'));
    },
  };
  const copy: Contender = {
    ...ends.turn,
    name: 'one streaming copy of 200 MB, warm process',
    run: () => measureHere(() => streamingCopies(ends, [whole])),
    finish: () => ends.assertObjects(1),
  };
  const copies: Contender = {
    ...ends.turn,
    name: '200 streaming copies of 1 MB, eight at once, warm process',
    run: () => measureHere(() => streamingCopies(ends, ends.oids)),
    finish: () => ends.assertObjects(objects),
  };
  for (let index = 0; index < warmUps; index++) {
    await ends.turn.prepare?.();
    await sync(ends.from, ends.to);
    await streamingCopies(ends, [whole]);
  }
  const contenders = [ends.command(objects), ends.warm(objects), copy, copies, peer];
  const summaries = (await contest(contenders, { runs: bench.runs })) as Summaries;
  await removeAll(clone, ...ends.paths);
  const [command, warm, stream, , gitLfs] = summaries;
  return {
    title: 'LFS: 200 objects of 1 MB',
    contenders: summaries,
    targets: [
      { what: 'warm process: against one streaming copy', measured: warm.wallMs / stream.wallMs, bound: 1.3, unit: '×' },
      { what: 'warm process: against git lfs fetch + push', measured: warm.wallMs / gitLfs.wallMs, bound: 0.7, unit: '×' },
      { what: 'command, with the start of Node: the same', measured: command.wallMs / gitLfs.wallMs, bound: 0.7, unit: '×' },
    ],
  };
}

type Summaries = [Summary, Summary, Summary, Summary, Summary];

/** One object of 2 GB: memory must not grow with it. */
export async function benchLfsLarge(bench: Workbench): Promise<Finding> {
  const ends = await lfsEnds(bench, { objects: 1, bytes: 2_000 * MB });
  const [command] = (await contest([ends.command(1)], { runs: Math.min(bench.runs, 2) })) as [Summary];
  await removeAll(...ends.paths);
  return {
    title: 'LFS: one object of 2 GB',
    contenders: [command],
    targets: [{ what: 'peak memory', measured: (command.peakBytes ?? Number.NaN) / MB, bound: 160, unit: 'MB' }],
  };
}

/** The repository of the first mirror, which has no LFS: with `auto`, small blobs are fetched once more to know that. */
export async function benchLfsNone(bench: Workbench): Promise<Finding> {
  const { meter } = bench;
  const [source, target] = [bench.sourcePath('plain.git'), bench.targetPath('plain.git')];
  await makeRepository(source, { commits: 12_000, branches: 500, tags: 100, files: 3000, assetBytes: 45 * MB });
  const contender = (mode: string): Contender => ({
    name: `gitferry --lfs ${mode}`,
    prepare: () => createBare(target),
    run: () => meter.measure(bench.sync(bench.sourceUrl('plain.git'), bench.targetUrl('plain.git'), ['--lfs', mode])),
    async finish() {
      await assertSameRefs(source, target);
      await removeAll(target);
    },
  });
  const [auto, off] = (await contest([contender('auto'), contender('off')], { runs: bench.runs })) as [Summary, Summary];
  await removeAll(source);
  return { title: 'LFS: `auto` for a first mirror of 69 MB without LFS', contenders: [auto, off], targets: [] };
}

interface LfsEnds {
  readonly oids: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly paths: readonly string[];
  /** Begins with an empty target. */
  readonly turn: Pick<Contender, 'prepare'>;
  command(expected: number): Contender;
  warm(expected: number): Contender;
  assertObjects(expected: number): Promise<void>;
}

async function lfsEnds(bench: Workbench, shape: { readonly objects: number; readonly bytes: number }): Promise<LfsEnds> {
  const [source, target] = [bench.sourcePath('lfs.git'), bench.targetPath('lfs.git')];
  const [sourceObjects, targetObjects] = [bench.sourcePath(lfsObjects), bench.targetPath(lfsObjects)];
  const [from, to] = [bench.sourceUrl('lfs.git'), bench.targetUrl('lfs.git')];
  await createBare(source);
  const oids = (await makeLfsObjects(bench.sourcePath('.'), source, shape)).map(({ oid }) => oid);
  const turn = {
    async prepare() {
      await removeAll(target, targetObjects);
      await createBare(target);
    },
  };
  const assertObjects = async (expected: number): Promise<void> => {
    const found = await readdir(targetObjects);
    if (found.length !== expected) throw new Error(`${found.length} objects arrived, not ${expected}`);
  };
  const contender = (name: string, expected: number, run: () => Promise<Cost>): Contender => ({
    ...turn,
    name,
    run,
    async finish() {
      await assertSameRefs(source, target);
      await assertObjects(expected);
    },
  });
  return {
    ...{ oids, from, to, turn, assertObjects, paths: [source, target, sourceObjects, targetObjects] },
    command: (expected) => contender('gitferry as a command', expected, () => bench.meter.measure(bench.sync(from, to))),
    warm: (expected) => contender('gitferry in a warm process', expected, () => measureHere(() => sync(from, to))),
  };
}

/** An object that no pointer names, as large as all others together. */
async function makeWhole(bench: Workbench): Promise<string> {
  const other = bench.sourcePath('whole.git');
  await createBare(other);
  const [object] = await makeLfsObjects(bench.sourcePath('.'), other, { objects: 1, bytes: objects * MB });
  await rm(other, { recursive: true });
  if (object === undefined) throw new Error('nothing was made');
  return object.oid;
}

/** Unchecked, eight at once. */
async function streamingCopies({ from, to }: LfsEnds, oids: readonly string[]): Promise<void> {
  const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
  const { signal } = new AbortController();
  const common = { signal, headersMs: 0, silenceMs };
  const left = [...oids];
  const copier = async (): Promise<void> => {
    for (let oid = left.pop(); oid !== undefined; oid = left.pop()) {
      const download = await http.request({ ...common, method: 'GET', url: new URL(`${from}/info/lfs/download/${oid}`), headers: {} });
      const headers = { 'content-length': download.headers['content-length'] ?? '' };
      const url = new URL(`${to}/info/lfs/upload/${oid}`);
      const upload = await http.request({ ...common, method: 'PUT', url, headers, body: download.body });
      if (upload.status !== 200) throw new Error(`the target answered ${upload.status}`);
      for await (const _ of upload.body);
    }
  };
  await Promise.all(Array.from({ length: 8 }, copier));
  await http.close();
}
